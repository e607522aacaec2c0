package tail

import (
	"context"
	"errors"
	"net/url"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/store/tails"
)

const (
	// endpointsStream mirrors the endpoints that Polar sends webhooks to. Where it is off, or was never swept, a round asks itself.
	endpointsStream = "webhook_endpoints"
	endpointsPath   = "/v1/webhooks/endpoints"
	// endpointsFor is how long what a round was told of endpoints holds. One that is new is of use that much later.
	endpointsFor = time.Hour
)

// endpointList is what Polar told a round of its endpoints.
type endpointList struct {
	At   time.Time        `json:"at,omitzero"` // when, by the clock of the database
	List []tails.Endpoint `json:"list,omitempty"`
}

// readEndpoints finds out to which endpoints Polar sends whole objects: deliveries are worth reading where there is any.
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
		*kept = endpointList{rd.now(), rawEndpoints(page.Items)} // none, where the token may not read them: nor may it read deliveries
	}
	rd.endpoints = kept.List
	return nil
}

// rawEndpoints are those of a list that are enabled and get the objects themselves. What was sent before one was last changed nobody
// knows: it may have been disabled, and then nothing is recorded.
func rawEndpoints(items []jsontext.Value) (list []tails.Endpoint) {
	for _, object := range items {
		var e struct {
			Enabled  bool      `json:"enabled"`
			Format   string    `json:"format"`
			Events   []string  `json:"events"`
			Created  time.Time `json:"created_at"`
			Modified time.Time `json:"modified_at"`
		}
		if jsonv2.Unmarshal(object, &e, jsontext.AllowDuplicateNames(true)) == nil && e.Enabled && e.Format == "raw" {
			list = append(list, tails.Endpoint{Events: e.Events, Since: later(e.Created, e.Modified)})
		}
	}
	return list
}
