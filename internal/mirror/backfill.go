package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syncd/internal/fetch/scan"
	"syncd/internal/store"
)

// ErrNoWindow: the stream cannot be read by a window of time.
var ErrNoWindow = errors.New("cannot be read by a window of time")

// span is the window of a backfill: since <= t < until.
type span struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Open  bool      `json:"open,omitempty"` // until was not given: it is the start of the backfill
}

// spanCursor is the checkpoint of a backfill. It is valid only for the same window.
type spanCursor struct {
	scan.Cursor
	Span span `json:"span"`
}

// Backfill reads the rows of a stream in a window of time, since <= t < until, by the time that Windowed names; a zero until is
// now. The next backfill of the same window goes on with an interrupted one.
//
// It stores the rows that it finds, and proves no absence: rows of the window that Polar no longer lists stay as they are, and it
// says nothing about rows outside. It has a lease of its own, so a sweep may run at the same time.
func (e *Engine) Backfill(ctx context.Context, stream string, since, until time.Time) Result {
	return e.do(ctx, spec{stream, store.KindBackfill, ofWindow}, func(ctx context.Context, run *Run) error {
		return (&sweep{Run: run}).backfill(ctx, span{Since: since.UTC(), Until: until.UTC(), Open: until.IsZero()})
	})
}

func (sw *sweep) backfill(ctx context.Context, wanted span) error {
	list, ok := sw.s.Scan.(scan.Bounded)
	if !ok {
		return fmt.Errorf("%s: %w", sw.s.Name, ErrNoWindow)
	}
	if wanted.Open {
		wanted.Until = sw.engine.Client.Now().UTC()
	}
	if err := sw.refuse(list, wanted); err != nil {
		return err
	}
	if sw.record.Checkpoint != nil {
		var at spanCursor
		if err := json.Unmarshal(sw.record.Checkpoint, &at); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", sw.s.Name, err)
		}
		if at.Span.same(wanted) {
			wanted = at.Span
		} else {
			if err := sw.record.RestartSweep(ctx, true); err != nil {
				return err
			}
			sw.record.Checkpoint, sw.res.Resumed = nil, false
		}
	}
	s := *sw.s
	s.Scan = list.Between(wanted.Since, wanted.Until)
	sw.s, sw.span = &s, &wanted
	err := sw.read(ctx)
	if sw.closing.Verdict == "complete" {
		sw.closing.Verdict = "window complete" // it says nothing about the whole stream
	}
	return err
}

// same: a backfill of s can go on in place of one of wanted.
func (s span) same(wanted span) bool {
	return s.Since.Equal(wanted.Since) && s.Open == wanted.Open && (s.Open || s.Until.Equal(wanted.Until))
}

// refuse rejects windows that make no sense.
func (sw *sweep) refuse(list scan.Bounded, s span) error {
	if !s.Since.Before(s.Until) {
		return fmt.Errorf("the window from %s to %s is empty", s.Since.Format(time.RFC3339), s.Until.Format(time.RFC3339))
	}
	if windows, dated := list.(scan.Windows); dated {
		if kept := windows.OldestKept(sw.engine.Client); s.Since.Before(kept) {
			return fmt.Errorf("rows of %s from before %s are not kept, the next sweep would remove them: begin the window there, or lengthen the retention", sw.s.Name, kept.Format(time.RFC3339))
		}
	}
	return nil
}

// position is the checkpoint of a run that goes on at next.
func (sw *sweep) position(next scan.Cursor) any {
	if sw.span == nil {
		return next
	}
	return spanCursor{next, *sw.span}
}
