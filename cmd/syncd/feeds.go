package main

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/store"
)

// feedReport is how far behind a feed is that tells of changes.
type feedReport struct {
	Feed        string    `json:"feed"`
	AskedAt     time.Time `json:"asked_at"`
	ToldThrough time.Time `json:"told_through,omitzero"` // newest change that it has told of
	Lag         float64   `json:"lag_seconds"`           // by how much it tells late, at least
	Untold      int       `json:"untold,omitempty"`      // new rows that lists show and it has not told of
	StandsStill bool      `json:"stands_still,omitempty"`
}

func readFeeds(ctx context.Context, s *store.Store) ([]feedReport, error) {
	feeds, err := s.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]feedReport, len(feeds))
	for i, f := range feeds {
		reports[i] = feedReport{f.Name, f.AskedAt.UTC(), f.ToldThrough.UTC(), f.Lag.Seconds(), f.Untold, f.StandsStill}
	}
	return reports, nil
}

// lateFeed is a lag that is worth a word: Polar's workers always take some seconds.
const lateFeed = time.Minute

// line says what is amiss with a feed; "" = nothing.
func (f feedReport) line(now time.Time) string {
	lag := time.Duration(f.Lag * float64(time.Second))
	switch {
	case f.StandsStill:
		return fmt.Sprintf("Polar's feed of %s stands still: it has told of nothing since %s, while lists show %s new rows that it owes. What only this feed tells of is not seen until it goes on, or by the next sweep.",
			f.Feed, humanize.Ago(f.ToldThrough, now), humanize.Count(f.Untold))
	case lag > lateFeed:
		return fmt.Sprintf("Polar's feed of %s is late: changes showed there %s or more after they happened. Streams that it covers are fresh as of that much earlier.", f.Feed, humanize.Span(lag))
	}
	return ""
}
