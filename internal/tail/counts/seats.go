package counts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/store/seats"
)

// Seats compares the seats that Polar's metrics count on a day with those that are mirrored.
type Seats struct {
	Client *fetch.Client
	Here   seats.Seats
	Day    time.Time // by Polar's clock

	Requests int // sent so far
}

// Difference is by how many seats Polar counts more than are here, in each hour of the day: of the assigned and of the claimed ones that
// these customers pay for; nil = that anybody does. last is what Polar counts in the last hour. The error is a fetch.ErrContract where
// Polar does not count seats.
func (s *Seats) Difference(ctx context.Context, customers []uuid.UUID) (d Difference, last seats.Count, err error) {
	day := s.Day.UTC().Format(time.DateOnly)
	query := url.Values{"start_date": {day}, "end_date": {day}, "interval": {"hour"}, "timezone": {"UTC"}, "metrics": {"seats_total", "seats_claimed"}, "organization_id": {""}}
	for _, id := range customers {
		query.Add("customer_id", id.String())
	}
	body, err := s.Client.Get(ctx, "/v1/metrics/", query)
	s.Requests += body.Requests
	if err != nil {
		return nil, last, err
	}
	var answer struct {
		Periods []struct {
			At      time.Time `json:"timestamp"`
			Total   *float64  `json:"seats_total"`
			Claimed *float64  `json:"seats_claimed"`
		} `json:"periods"`
	}
	if err := json.Unmarshal(body.Value, &answer); err != nil {
		return nil, last, fmt.Errorf("%w: counts of seats: %w", fetch.ErrContract, err)
	}
	if len(answer.Periods) == 0 { // no hour says nothing, and would pass for no difference
		return nil, last, fmt.Errorf("%w: the metrics have no hours", fetch.ErrContract)
	}
	hours := make([]time.Time, 0, len(answer.Periods))
	for _, p := range answer.Periods {
		if p.Total == nil || p.Claimed == nil {
			return nil, last, fmt.Errorf("%w: the metrics have no counts of seats", fetch.ErrContract)
		}
		hours = append(hours, p.At)
	}
	here, err := s.Here.Counts(ctx, customers, hours)
	if err != nil {
		return nil, last, err
	}
	for i, p := range answer.Periods {
		last = seats.Count{Total: int64(*p.Total), Claimed: int64(*p.Claimed)}
		d = append(d, last.Total-here[i].Total, last.Claimed-here[i].Claimed)
	}
	return d, last, nil
}

// Steps are the differences of the hours, without those that are as in the hour before: so they are the same later in the day.
func (d Difference) Steps() (steps []int64) {
	for i := 0; i+1 < len(d); i += 2 {
		if n := len(steps); n == 0 || steps[n-2] != d[i] || steps[n-1] != d[i+1] {
			steps = append(steps, d[i], d[i+1])
		}
	}
	return steps
}
