package polarsim

import (
	"net/http"
	"strconv"
)

// deliveries describes the list of deliveries, as far as it is one like others: newest first, and no other order.
func deliveries() *resource {
	at := func(w *World, n Ref) Time { return w.hooks.deliveries[n].at }
	event := func(w *World, n Ref) *webhookEvent { return &w.hooks.events[w.hooks.deliveries[n].event] }
	return &resource{
		path: "/v1/webhooks/deliveries", kind: KindWebhookDelivery, noOrg: true, fixed: true, sorting: []string{"-created_at"},
		rows:   func(w *World) int { return len(w.hooks.deliveries) },
		late:   func(w *World, n Ref) bool { return w.hooks.deliveries[n].shown > w.now },
		sorts:  []sortKey{byTime("created_at", at)},
		ranges: map[string]rangeFilter{"start_timestamp": {key: "created_at", after: true, time: at}, "end_timestamp": {key: "created_at", time: at}},
		filters: map[string]filter{
			"endpoint_id": reference(KindWebhookEndpoint, func(w *World, n Ref) Ref { return event(w, n).endpoint }),
			"succeeded":   flag(func(w *World, n Ref) bool { return w.hooks.deliveries[n].code/100 == 2 }),
			"event_type":  oneOf(func(w *World, n Ref) string { return event(w, n).kind }, webhookTypes...),
			"http_code_class": oneOf(func(w *World, n Ref) string { return strconv.Itoa(w.hooks.deliveries[n].code/100) + "xx" },
				"2xx", "3xx", "4xx", "5xx"),
		},
		render: (*World).renderDelivery,
	}
}

var deliveryList = deliveries()

func listDeliveries(c *call) {
	c.w.record()
	deliveryList.list(c)
}

func (w *World) renderDelivery(o *object, n Ref) {
	d := &w.hooks.deliveries[n]
	e := &w.hooks.events[d.event]
	succeeded := d.code == http.StatusOK
	o.open()
	o.times(d.at, 0)
	o.id("id", w.id(KindWebhookDelivery, int(n)))
	o.bool("succeeded", succeeded)
	o.int("http_code", int64(d.code))
	if succeeded {
		o.str("response", `{"ok":true}`)
	} else {
		o.str("response", "Bad Gateway")
	}
	o.key("webhook_event")
	o.open()
	o.times(e.at, d.at)
	o.id("id", w.id(KindWebhookEvent, int(d.event)))
	o.int("last_http_code", int64(e.code))
	o.bool("succeeded", e.code == http.StatusOK)
	o.bool("skipped", false)
	archived := w.now-e.at > archiveAfter
	if archived {
		o.null("payload")
	} else {
		o.str("payload", w.sent(d.event, e))
	}
	o.str("type", e.kind)
	o.bool("is_archived", archived)
	o.close()
	o.close()
}

// sent is the text of an event; once given it stays, whatever becomes of the row.
func (w *World) sent(n Ref, e *webhookEvent) string {
	if e.payload != "" {
		return e.payload
	}
	if text, ok := w.hooks.payloads.Load(n); ok {
		if s, isText := text.(string); isText {
			return s
		}
	}
	text, _ := w.hooks.payloads.LoadOrStore(n, w.payload(e.kind, e.about, e.row, e.at))
	s, _ := text.(string) // nothing else is stored
	return s
}
