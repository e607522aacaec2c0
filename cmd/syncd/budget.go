package main

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/store"
)

// budgetReport is how the request budget stands that the processes on one schema share.
type budgetReport struct {
	PausedSeconds float64        `json:"paused_for_seconds,omitempty"` // that are left of a pause after a 429
	Processes     []sharerReport `json:"processes"`
}

// sharerReport is one process, as of when it last asked for requests. Counts are since its start.
type sharerReport struct {
	Process       string           `json:"process"`
	AskedAt       time.Time        `json:"asked_at"`
	Budget        int64            `json:"requests_per_minute"` // as configured
	Pace          int64            `json:"pace_per_minute"`     // that it goes by: less after repeated refusals
	Used          int64            `json:"used_last_minute"`
	Left          int64            `json:"left_this_minute"`
	Requests      map[string]int64 `json:"requests"` // by priority
	RateLimited   int64            `json:"rate_limited"`
	PausedSeconds float64          `json:"paused_seconds"`
}

// readBudget reads it; nil where no process has asked for requests of late.
func readBudget(ctx context.Context, s *store.Store, now time.Time) (*budgetReport, error) {
	list, pause, err := s.Budgets(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	r := &budgetReport{PausedSeconds: pause.Seconds()}
	for _, h := range list {
		if h.Age > time.Minute {
			h.Used = 0
		}
		p := sharerReport{
			Process: h.Holder, AskedAt: now.Add(-h.Age).UTC(), Budget: h.PerMinute, Pace: h.Pace, Used: h.Used, Left: max(0, h.Pace-h.Used),
			Requests: map[string]int64{}, RateLimited: h.RateLimited, PausedSeconds: h.Paused.Seconds(),
		}
		for _, priority := range fetch.Priorities() {
			if int(priority) < len(h.Requests) {
				p.Requests[priority.String()] = h.Requests[priority]
			}
		}
		r.Processes = append(r.Processes, p)
	}
	return r, nil
}

func (r *budgetReport) print(c *command, now time.Time) error {
	if r == nil {
		return nil
	}
	if _, err := fmt.Fprintln(c.stdout); err != nil {
		return err
	}
	t := table{head: []string{"REQUESTS OF", "LAST", "A MINUTE", "USED", "LEFT", "REFRESH", "TAIL", "SWEEP", "EXPORT", "429", "PAUSED"}, align: "llrrrrrrrrr"}
	slowed := false
	for _, p := range r.Processes {
		t.add(p.Process, humanize.Ago(p.AskedAt, now), humanize.Count(p.Pace), humanize.Count(p.Used), humanize.Count(p.Left),
			humanize.Count(p.Requests["refresh"]), humanize.Count(p.Requests["tail"]), humanize.Count(p.Requests["sweep"]), humanize.Count(p.Requests["export"]),
			humanize.Count(p.RateLimited), humanize.Elapsed(time.Duration(p.PausedSeconds*float64(time.Second))))
		slowed = slowed || p.Pace < p.Budget
	}
	if err := t.print(c.stdout); err != nil {
		return err
	}
	if slowed {
		if _, err := fmt.Fprintln(c.stdout, "\nSlowed down: Polar refuses requests although fewer than the budget are sent. Another client uses up the limit of the organization, or Polar has restricted it."); err != nil {
			return err
		}
	}
	if r.PausedSeconds > 0 {
		if _, err := fmt.Fprintf(c.stdout, "\nPaused for another %s: Polar has refused a request (429).\n", humanize.Span(time.Duration(r.PausedSeconds*float64(time.Second)))); err != nil {
			return err
		}
	}
	return nil
}
