package tail

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/store/tails"
)

const (
	// endpointsStream mirrors the webhook endpoints. If it is off, or was never swept, a round reads them itself.
	endpointsStream = "webhook_endpoints"
	endpointsPath   = "/v1/webhooks/endpoints"
	// endpointsFor is how long a list of endpoints that a round has read is used. A new endpoint is seen that much later.
	endpointsFor = time.Hour
)

// endpointList is the list of endpoints that a round has read.
type endpointList struct {
	At   time.Time        `json:"at,omitzero"` // when, by the clock of the database
	List []tails.Endpoint `json:"list,omitempty"`
}

// readEndpoints finds out to which endpoints Polar sends whole objects: deliveries are worth reading only if there is one.
func (rd *round) readEndpoints(ctx context.Context) error {
	for _, t := range rd.tails {
		if t.s.Name == endpointsStream && !t.listens && !rd.engine.Off[endpointsStream] {
			var err error
			rd.endpoints, err = rd.kept().Feeds().Endpoints(ctx)
			return err
		}
	}
	kept := &rd.feeds.Endpoints
	if age := rd.now().Sub(kept.At); age < 0 || age > endpointsFor {
		page, err := rd.list(ctx, endpointsPath, url.Values{"limit": {"100"}})
		if err != nil && !errors.Is(err, fetch.ErrScope) {
			return err
		}
		*kept = endpointList{rd.now(), tails.ReadableEndpoints(webhooks(page.Items))} // empty where the token may not read them: then it may not read deliveries either
	}
	rd.endpoints = kept.List
	return nil
}

// endpointsOffered are the endpoints of an organization, as far as the token may know of them.
type endpointsOffered struct {
	refused           bool             // the token may read neither endpoints nor deliveries
	enabled, disabled []tails.Endpoint // of the format raw: they get the objects themselves
	formats           []string         // of the others that are enabled: they get texts
}

// offeredEndpoints sorts a list of endpoints.
func offeredEndpoints(hooks []tails.Webhook, may bool) endpointsOffered {
	o := endpointsOffered{refused: !may}
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

// lacks says what has to be there so that deliveries tell of all changes of the objects of a hook.
func (o endpointsOffered) lacks(hook string) string {
	const endpoint = "a raw webhook endpoint"
	switch {
	case o.refused:
		return "the scope webhooks:read and " + endpoint
	case len(o.enabled) > 0:
		return "the raw webhook endpoint sent " + strings.Join(unsentEvents(o.enabled, hook, always), ", ")
	case len(o.disabled) > 0:
		if more := unsentEvents(o.disabled, hook, always); len(more) > 0 {
			return "the raw webhook endpoint enabled and sent " + strings.Join(more, ", ")
		}
		return "the raw webhook endpoint enabled"
	case len(o.formats) > 0:
		return endpoint + " (here is only " + strings.Join(o.formats, " and ") + ")"
	}
	return endpoint
}

// webhooks are the endpoints of a list. What is none is left out.
func webhooks(items []jsontext.Value) (hooks []tails.Webhook) {
	for _, object := range items {
		var h tails.Webhook
		if jsonv2.Unmarshal(object, &h, jsontext.AllowDuplicateNames(true)) == nil {
			hooks = append(hooks, h)
		}
	}
	return hooks
}
