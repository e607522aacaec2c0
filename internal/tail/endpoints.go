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
		*kept = endpointList{rd.now(), rawEndpoints(page.Items)} // empty where the token may not read them: then it may not read deliveries either
	}
	rd.endpoints = kept.List
	return nil
}

// rawEndpoints are those of a list that are enabled and get the objects themselves.
func rawEndpoints(items []jsontext.Value) []tails.Endpoint {
	return offeredEndpoints(items, true).enabled
}

// endpointsOffered are the endpoints of an organization, as far as the token may know of them.
type endpointsOffered struct {
	refused           bool             // the token may read neither endpoints nor deliveries
	enabled, disabled []tails.Endpoint // of the format raw: they get the objects themselves
	formats           []string         // of the others that are enabled: they get texts
}

// offeredEndpoints reads a list of endpoints. What was sent before one was last changed nobody knows: it may have been disabled, and
// then nothing is recorded.
func offeredEndpoints(items []jsontext.Value, may bool) endpointsOffered {
	o := endpointsOffered{refused: !may}
	for _, object := range items {
		var e struct {
			Enabled  bool      `json:"enabled"`
			Format   string    `json:"format"`
			Events   []string  `json:"events"`
			Created  time.Time `json:"created_at"`
			Modified time.Time `json:"modified_at"`
		}
		if jsonv2.Unmarshal(object, &e, jsontext.AllowDuplicateNames(true)) != nil {
			continue
		}
		told := tails.Endpoint{Events: e.Events, Since: later(e.Created, e.Modified)}
		switch {
		case e.Format == "raw" && e.Enabled:
			o.enabled = append(o.enabled, told)
		case e.Format == "raw":
			o.disabled = append(o.disabled, told)
		case e.Enabled && !slices.Contains(o.formats, e.Format):
			o.formats = append(o.formats, e.Format)
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
