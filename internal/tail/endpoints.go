package tail

import (
	"context"
	"errors"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/store/tails"
	"syncd/internal/tail/hooks"
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
		*kept = endpointList{rd.now(), tails.ReadableEndpoints(hooks.Of(page.Items))} // empty where the token may not read them: then it may not read deliveries either
	}
	rd.endpoints = kept.List
	return nil
}
