package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/store"
)

// Approval is the cost of letting a stream's held deletions through.
type Approval struct {
	Stream   string
	Rows     int
	Requests int64 // one for each row that is fetched by id
	Sweep    int64 // requests of a complete sweep of the stream: a second one can replace them as evidence; 0 = it cannot
	// From is the earliest start of a second sweep that is evidence.
	From time.Time
}

// DescribeCost says what approving costs at so many requests a minute (0 = no limit), and what costs less.
func (a Approval) DescribeCost(pace int) string {
	if a.Requests == 0 {
		return "it costs no request"
	}
	text := fmt.Sprintf("it asks for each by id (%s)", cost(a.Requests, pace))
	if a.Sweep > 0 && a.Sweep < a.Requests {
		when := ", which begins an hour or more after the first,"
		if !a.From.IsZero() {
			when = ", which begins after " + a.From.UTC().Format(time.RFC3339) + ","
		}
		text += fmt.Sprintf("; or let a second complete sweep%s say the same (%s), and approve its run, which costs no request then", when, cost(a.Sweep, pace))
	}
	return text
}

func cost(requests int64, pace int) string {
	text := fmt.Sprintf("about %d requests", requests)
	if pace > 0 {
		text += fmt.Sprintf(", %s at %d a minute", (time.Duration(requests) * time.Minute / time.Duration(pace)).Round(time.Second), pace)
	}
	return text
}

// approval computes the cost of marking rows that one sweep missed, and rows that two sweeps missed. While these are few, they
// are fetched by id as well.
func (e *Engine) approval(s *prepared, once, twice int, sweep int64) Approval {
	a := Approval{Stream: s.Name, Rows: once + twice}
	switch few := a.Rows <= e.Brake.Rows; {
	case s.Get == "":
	case few:
		a.Requests = int64(a.Rows)
	default:
		a.Requests, a.Sweep = int64(once), sweep
	}
	return a
}

// PlanApproval returns what ApproveDeletions would do. It sends nothing to Polar.
func (e *Engine) PlanApproval(ctx context.Context, run int64) ([]Approval, error) {
	if err := e.Store.CheckSchema(ctx); err != nil {
		return nil, err
	}
	held, err := e.held(ctx, run)
	if err != nil {
		return nil, err
	}
	var plan []Approval
	for _, name := range e.Names() {
		if h, is := held[name]; is {
			a := e.approval(e.lookUp(name), len(h.Once), len(h.Twice), h.Sweep)
			a.From = h.Since.Add(store.SweepsApart)
			plan = append(plan, a)
		}
	}
	return plan, nil
}

// held returns the rows that a run holds back. If it holds none, the error names the runs that do.
func (e *Engine) held(ctx context.Context, run int64) (map[string]store.HeldRows, error) {
	held, err := e.Store.Runs().HeldDeletions(ctx, run)
	if err != nil || len(held) > 0 {
		return held, err
	}
	runs, err := e.Store.Runs().HoldingDeletions(ctx)
	if err != nil {
		return nil, err
	}
	others := "neither does any other"
	if len(runs) > 0 {
		others = "these do: " + strings.Trim(fmt.Sprint(runs), "[]")
	}
	return nil, fmt.Errorf("run %d holds no deletions; %s (`syncd status` shows them)", run, others)
}

// ApproveDeletions lets the held deletions of one run through. Each row is fetched by id all the same, if it can be and no second
// sweep has missed it.
func (e *Engine) ApproveDeletions(ctx context.Context, run int64) ([]Result, error) {
	if err := e.CheckAccess(ctx); err != nil {
		return nil, err
	}
	held, err := e.held(ctx, run)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, name := range e.Names() {
		rows, is := held[name]
		if !is {
			continue
		}
		results = append(results, e.do(ctx, spec{stream: name, kind: store.KindApproval}, func(ctx context.Context, of *Run) error {
			sw := &sweep{Run: of}
			once, twice := rows.Once, rows.Twice
			if sw.engine.approval(sw.s, len(once), len(twice), 0).Requests > int64(len(once)) {
				once, twice = slices.Concat(once, twice), nil
			}
			if err := sw.tombstone(ctx, twice, rows.AsOf, fmt.Sprintf("not listed by two complete sweeps an hour or more apart, the last being run %d, approved by an operator", run)); err != nil {
				return err
			}
			return sw.approve(ctx, once, rows.AsOf, run)
		}))
	}
	return results, nil
}

// approve marks the rows that one sweep missed: those that Polar says do not exist, and, on the operator's word, those that
// cannot be fetched by id.
func (sw *sweep) approve(ctx context.Context, ids []uuid.UUID, sweptAt time.Time, run int64) error {
	if sw.s.Get != "" {
		_, err := sw.confirm(ctx, ids)
		return err
	}
	return sw.tombstone(ctx, ids, sweptAt, fmt.Sprintf("not listed by the complete sweep of run %d, approved by an operator", run))
}
