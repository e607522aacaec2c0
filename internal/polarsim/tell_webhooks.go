package polarsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Endpoint is one webhook endpoint.
type Endpoint struct {
	CreatedAt, ModifiedAt, DeletedAt Time
	URL, Name, Format, Secret        string
	Events                           []string
	Enabled                          bool
	Standard                         bool // signs with the base64 part of the secret
	sent                             bool // webhooks are sent there, and not only recorded
}

// webhookTypes are all event types that Polar sends (polarsource/polar, server/polar/models/webhook_endpoint.py).
var webhookTypes = strings.Fields(`checkout.created checkout.updated checkout.expired customer.created customer.updated customer.deleted customer.state_changed
	customer_seat.assigned customer_seat.claimed customer_seat.revoked member.created member.updated member.deleted order.created order.updated order.paid order.refunded
	subscription.created subscription.updated subscription.active subscription.canceled subscription.uncanceled subscription.cycled subscription.revoked
	subscription.past_due subscription.paused subscription.resumed subscription.migrated refund.created refund.updated product.created product.updated discount.created discount.updated
	discount.deleted benefit.created benefit.updated benefit_grant.created benefit_grant.cycled benefit_grant.updated benefit_grant.revoked organization.updated`)

// webhookEvent is one event for one endpoint, with the payload that is sent.
type webhookEvent struct {
	at       Time
	endpoint Ref
	kind     string
	about    Kind
	row      Ref
	payload  string // "": of the history; rendered when first asked for
	code     int    // of the last attempt
}

// delivery is one attempt to deliver a webhookEvent.
type delivery struct {
	at    Time
	event Ref
	code  int
	shown Time // when it is listed
}

// webhooks are the endpoints and what they were sent.
type webhooks struct {
	endpoints  []Endpoint
	events     []webhookEvent
	deliveries []delivery
	payloads   sync.Map // texts of the events of the history by number, once asked for
	lists      func() []*resource
	outbox     outbox
}

// archiveAfter is how long payloads are kept.
const archiveAfter = 90 * day

// makeEndpoint makes the endpoint that a world has from the start. Its deliveries follow from the events of the past.
func (w *World) makeEndpoint() {
	w.hooks.lists, w.hooks.outbox.filled = sync.OnceValue(resources), make(chan struct{}, 1)
	if w.opts.NoWebhook {
		return
	}
	at := w.now - 5*day
	w.hooks.endpoints = []Endpoint{{CreatedAt: at, URL: "https://hooks.simulated-tools.example/polar?v=2", Name: "Production", Format: "raw",
		Secret: w.secret(0), Events: webhookTypes, Enabled: true}}
}

// secret is the signing secret of an endpoint.
func (w *World) secret(n int) string {
	text := "whsec_" + w.id(KindWebhookEndpoint, n<<8).String()
	if w.opts.Canaries {
		text = "whsec_canary_webhook_" + strconv.Itoa(n)
	}
	return text
}

// tell records an event for an endpoint, and the attempts to deliver it: of one in forty events the first attempt fails.
func (w *World) tell(e webhookEvent) {
	if e.payload == "" && !w.tellable(e.about) {
		return
	}
	n := Ref(len(w.hooks.events))
	if w.journal.on && w.hooks.endpoints[e.endpoint].sent {
		w.hooks.events = append(w.hooks.events, e)
		w.putLetter(n)
		return
	}
	e.code = http.StatusOK
	at, shown := e.at, Time(0)
	if w.journal.on {
		if done := w.workerDone(); done > w.now { // the attempt itself is late
			at, shown = done, done
		}
	}
	if n%40 == 17 {
		w.hooks.deliveries = append(w.hooks.deliveries, delivery{at + second, n, http.StatusBadGateway, shown})
	}
	w.hooks.events = append(w.hooks.events, e)
	w.hooks.deliveries = append(w.hooks.deliveries, delivery{at + 3*second, n, http.StatusOK, shown})
}

// tellable tells whether the rows of a kind can be rendered.
func (w *World) tellable(kind Kind) bool {
	return slices.ContainsFunc(w.hooks.lists(), func(r *resource) bool { return r.kind == kind })
}

// tellWebhooks sends an event about a row, as the row is now, to each endpoint that subscribes to its type.
func (w *World) tellWebhooks(kind string, about Kind, row Ref) {
	w.tellText(kind, about, row, func() string { return w.payload(kind, about, row, w.now) })
}

// tellText is tellWebhooks of a payload that render writes.
func (w *World) tellText(kind string, about Kind, row Ref, render func() string) {
	if !w.journal.on {
		return
	}
	payload := ""
	late := kind == "customer.state_changed" // upstream renders it in a job that reads the customer again; here when it is first asked for
	for i := range w.hooks.endpoints {
		e := &w.hooks.endpoints[i]
		if e.DeletedAt != 0 || !e.Enabled || !slices.Contains(e.Events, kind) {
			continue
		}
		if payload == "" && !late {
			if payload = render(); payload == "" {
				return
			}
		}
		w.tell(webhookEvent{at: w.now, endpoint: Ref(i), kind: kind, about: about, row: row, payload: payload})
	}
}

// payload is the text that an endpoint is sent; "" for rows that the simulator does not serve.
func (w *World) payload(kind string, about Kind, row Ref, at Time) string {
	i := slices.IndexFunc(w.hooks.lists(), func(r *resource) bool { return r.kind == about })
	if i < 0 {
		return ""
	}
	return hookText(kind, at, func(o *object) {
		switch {
		case kind == "customer.state_changed":
			w.renderState(o, row)
		case about == KindBenefitGrant:
			w.tellGrant(o, row)
		default:
			w.hooks.lists()[i].render(w, o, row)
		}
	})
}

// hookText is the text around what an event is about.
func hookText(kind string, at Time, data func(o *object)) string {
	var o object
	o.open()
	o.str("type", kind)
	o.time("timestamp", at)
	o.str("api_version", CurrentVersion)
	o.key("data")
	data(&o)
	o.close()
	return string(o.b)
}
