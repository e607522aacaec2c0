package polarsim

import (
	"net/http"
	"strconv"
)

func webhookRoutes() []route {
	read := []string{"webhooks:read", "webhooks:write"}
	const path = "/v1/webhooks/endpoints"
	list := &resource{path: path, kind: KindWebhookEndpoint, scopes: read, fixed: true, sorting: []string{"-created_at"},
		rows:   func(w *World) int { return len(w.hooks.endpoints) },
		hidden: func(w *World, n Ref) bool { return w.hooks.endpoints[n].DeletedAt != 0 },
		sorts:  []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.hooks.endpoints[n].CreatedAt })},
		render: (*World).renderEndpoint}
	return []route{
		{method: http.MethodGet, pattern: path, scopes: read, handle: list.list},
		{method: http.MethodGet, pattern: path + "/{id}", scopes: read, handle: list.get},
		{method: http.MethodPost, pattern: path, scopes: read[1:], lock: lockWrite, handle: func(c *call) { c.createEndpoint(list) }},
		{method: http.MethodPatch, pattern: path + "/{id}", scopes: read[1:], lock: lockWrite, handle: func(c *call) { c.updateEndpoint(list) }},
		{method: http.MethodDelete, pattern: path + "/{id}", scopes: read[1:], lock: lockWrite, handle: func(c *call) { c.deleteEndpoint(list) }},
		{method: http.MethodGet, pattern: "/v1/webhooks/deliveries", scopes: read, handle: listDeliveries},
	}
}

// deliveries describes the list of deliveries as far as it works like other lists: newest first, and no other order.
func deliveries() *resource {
	at := func(w *World, n Ref) Time { return w.hooks.deliveries[n].at }
	event := func(w *World, n Ref) *webhookEvent { return &w.hooks.events[w.hooks.deliveries[n].event] }
	return &resource{
		path: "/v1/webhooks/deliveries", kind: KindWebhookDelivery, noOrg: true, fixed: true, aware: true, sorting: []string{"-created_at"},
		rows:   func(w *World) int { return len(w.hooks.deliveries) },
		late:   func(w *World, n Ref) bool { return w.hooks.deliveries[n].shown > w.now },
		sorts:  []sortKey{byTime("created_at", at)},
		ranges: map[string]rangeFilter{"start_timestamp": {key: "created_at", after: true, time: at}, "end_timestamp": {key: "created_at", time: at}},
		filters: map[string]filter{
			"endpoint_id": reference(KindWebhookEndpoint, func(w *World, n Ref) Ref { return event(w, n).endpoint }),
			"succeeded":   flag(func(w *World, n Ref) bool { return w.hooks.deliveries[n].code/100 == 2 }),
			"event_type":  oneOf("WebhookEventType", func(w *World, n Ref) string { return event(w, n).kind }, webhookTypes...),
			"http_code_class": oneOf("HTTPCodeClass", func(w *World, n Ref) string { return strconv.Itoa(w.hooks.deliveries[n].code/100) + "xx" },
				"2xx", "3xx", "4xx", "5xx"),
		},
		render: (*World).renderDelivery,
	}
}

var deliveryList = deliveries()

func listDeliveries(c *call) {
	c.w.startJournal()
	deliveryList.list(c)
}
