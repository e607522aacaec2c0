package hooks

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/store/tails"
)

// Always is later than any date.
var Always = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// types are the webhook events without which a change of their objects may go untold; other events are always sent together
// with one of these. Source: server/polar/models/webhook_endpoint.py, server/polar/subscription/service.py.
var types = strings.Fields(`organization.updated benefit.created benefit.updated product.created product.updated

	customer.created customer.updated customer.deleted member.created member.updated member.deleted
	discount.created discount.updated discount.deleted subscription.created subscription.updated order.created order.updated
	refund.created refund.updated benefit_grant.created benefit_grant.updated benefit_grant.cycled benefit_grant.revoked
	checkout.created checkout.updated checkout.expired customer_seat.assigned customer_seat.claimed customer_seat.revoked`)

// Sent tells that these endpoints together get every change of the objects of a hook, and have since a sweep began.
func Sent(endpoints []tails.Endpoint, hook string, swept time.Time) bool {
	return len(unsent(endpoints, hook, swept)) == 0
}

// unsent are the webhook events of a hook that no endpoint gets, or that none has got since a sweep began: changes from before
// an endpoint was made, changed or enabled may have no record.
func unsent(endpoints []tails.Endpoint, hook string, swept time.Time) (events []string) {
	for _, event := range types {
		if strings.HasPrefix(event, hook) && !slices.ContainsFunc(endpoints, func(e tails.Endpoint) bool {
			return e.Since.Before(swept) && slices.Contains(e.Events, event)
		}) {
			events = append(events, event)
		}
	}
	return events
}

// IsSent tells that Polar sends an event to endpoints that get it.
func IsSent(event string) bool { return slices.Contains(types, event) }

// Offered are the endpoints of an organization, as far as the token may know of them.
type Offered struct {
	refused           bool             // the token may read neither endpoints nor deliveries
	enabled, disabled []tails.Endpoint // of the format raw: they get the objects themselves
	formats           []string         // of the others that are enabled: they get texts
}

// Offer sorts a list of endpoints.
func Offer(hooks []tails.Webhook, may bool) Offered {
	o := Offered{refused: !may}
	for _, h := range hooks {
		switch {
		case h.IsRaw() && h.Enabled:
			o.enabled = append(o.enabled, h.Endpoint())
		case h.IsRaw():
			o.disabled = append(o.disabled, h.Endpoint())
		case h.Enabled && !slices.Contains(o.formats, h.Format):
			o.formats = append(o.formats, h.Format)
		}
	}
	return o
}

// Lacks says what has to be there so that deliveries tell of all changes of the objects of a hook.
func (o Offered) Lacks(hook string) string {
	const endpoint = "a raw webhook endpoint"
	switch {
	case o.refused:
		return "the scope webhooks:read and " + endpoint
	case len(o.enabled) > 0:
		return "the raw webhook endpoint sent " + strings.Join(unsent(o.enabled, hook, Always), ", ")
	case len(o.disabled) > 0:
		if more := unsent(o.disabled, hook, Always); len(more) > 0 {
			return "the raw webhook endpoint enabled and sent " + strings.Join(more, ", ")
		}
		return "the raw webhook endpoint enabled"
	case len(o.formats) > 0:
		return endpoint + " (here is only " + strings.Join(o.formats, " and ") + ")"
	}
	return endpoint
}

// Of returns the endpoints of a list. What is none is left out.
func Of(items []jsontext.Value) (hooks []tails.Webhook) {
	for _, object := range items {
		var h tails.Webhook
		if json.Unmarshal(object, &h, jsontext.AllowDuplicateNames(true)) == nil {
			hooks = append(hooks, h)
		}
	}
	return hooks
}
