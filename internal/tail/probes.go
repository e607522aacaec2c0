package tail

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/mirror"
)

const (
	maxHeadPages = 50  // new rows in one round; for more, a sweep is due
	maxHotPages  = 1   // of a hot set in one round; a larger one is read over several rounds
	mostHot      = 500 // rows that may have left a hot set, fetched by id
	wholeRows    = 100 // a list of so many rows is one page: it is swept, not followed
)

// Since reads the rows after the newest known one, of a list that filters by time: its keyset scan from a little before that row.
type Since struct{}

func (Since) ask(ctx context.Context, t *stream) error {
	k, ok := t.s.Scan.(scan.Keyset)
	if !ok {
		return fmt.Errorf("stream %s has no keyset scan", t.s.Name)
	}
	return t.readSince(ctx, k, k.Sort, func(from time.Time) string { return from.Format(time.RFC3339Nano) })
}

func (Since) Name() string { return "since" }

func (Since) shows() string { return "new rows" }

// Recent reads the rows after the newest known one, of a list that is read by windows of time: the windows from a little before
// that row.
type Recent struct{}

func (Recent) ask(ctx context.Context, t *stream) error {
	w, ok := t.s.Scan.(scan.Windows)
	if !ok {
		return fmt.Errorf("stream %s has no windows scan", t.s.Name)
	}
	return t.readSince(ctx, w, w.Field, func(from time.Time) string { return from.Truncate(time.Second).Format(time.RFC3339) })
}

func (Recent) Name() string { return "recent" }

func (Recent) shows() string { return "new rows" }

// readSince scans a list from a little before the newest known row on, by the time in a field. position is how the scan takes a time.
func (t *stream) readSince(ctx context.Context, list scan.Scan, field string, position func(time.Time) string) error {
	from := t.at.Newest.Since(t.round.now(), t.overlap)
	if t.at.Newest.IsZero() {
		newest, err := t.engine.Store.Rows(t.s.Name).Newest(ctx, field, t.engine.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest := t.engine.Client.Now(), time.Time{}
	var cursor scan.Cursor
	if from.Year() > 1 {
		cursor.After = position(from.UTC())
	}
	pages := 0
	for page, err := range list.Pages(ctx, t.engine.Client, t.s.Path, t.s.Query, cursor) {
		t.run.CountRequests(page.Requests)
		if err != nil {
			return err
		}
		if _, windows := list.(scan.Windows); windows {
			page.Gaps = nil // the next sweep has to account for them
		}
		kept, err := t.storeListed(ctx, page.Page, field)
		if err != nil {
			return err
		}
		newest = later(newest, kept)
		if pages++; pages >= maxHeadPages && !page.Done {
			// What was stored counts; the next round goes on from there.
			asked = newest
			break
		}
	}
	t.at.Newest.Reach(newest, t.engine.Client.Now(), t.round.now())
	t.reached(asked)
	return nil
}

// Head reads a list from its newest row back to a little before the newest known one. It compares Polar's count of the whole list
// with the table.
type Head struct {
	By string // the time to sort by, descending; "" = created_at
}

func (h Head) ask(ctx context.Context, t *stream) error {
	by := h.By
	if by == "" {
		by = "created_at"
	}
	from := t.at.Newest.Since(t.round.now(), t.overlap)
	if t.at.Newest.IsZero() {
		newest, err := t.engine.Store.Rows(t.s.Name).Newest(ctx, by, t.engine.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest, sorting := t.engine.Client.Now(), t.at.Newest.At, []string{"-" + by}
	if o, ok := t.s.Scan.(scan.Offset); ok && len(o.Sort) > 1 && o.Sort[0] == "-"+by {
		sorting = append(sorting, o.Sort[1:]...)
	}
	n := 0
	for page, err := range (scan.Offset{Sort: sorting}).Pages(ctx, t.engine.Client, t.s.Path, t.s.Query, scan.Cursor{}) {
		t.run.CountRequests(page.Requests)
		if err != nil {
			return err
		}
		n++
		kept, err := t.storeListed(ctx, page.Page, by)
		if err != nil {
			return err
		}
		newest = later(newest, kept)
		oldest := time.Time{}
		for _, object := range page.Items {
			at := item.FieldTime(object, by)
			if !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
				oldest = at
			}
		}
		if page.Done || !oldest.IsZero() && oldest.Before(from) {
			t.at.Newest.Reach(newest, t.engine.Client.Now(), t.round.now())
			t.reached(asked)
			return t.compare(ctx, page.TotalCount)
		}
		if n >= maxHeadPages {
			t.sweepDue = fmt.Sprintf("more than %d new rows at once", 100*maxHeadPages)
			return nil
		}
	}
	return fmt.Errorf("%w: the head of %s ended without its last page", fetch.ErrContract, t.s.Name)
}

func (Head) Name() string { return "head" }

func (Head) shows() string { return "new rows" }

// compare brings a sweep forward when Polar's count differs from the table by another number than right after the last complete
// sweep: something came or went that no tail has seen. An equal count never brings one forward.
func (t *stream) compare(ctx context.Context, total int) error {
	live, err := t.engine.Store.Rows(t.s.Name).CountLive(ctx)
	if err != nil {
		return err
	}
	short := total - int(live)
	switch {
	case short == 0:
		// Nothing is missing. Rows that Polar counted and the table lacked have come.
		if t.at.Short == nil || *t.at.Short > 0 {
			t.at.Short = &short
		}
	case t.at.Short == nil:
		t.at.Short = &short
	case *t.at.Short != short:
		t.sweepDue = fmt.Sprintf("Polar counts %d rows, the table has %d", total, live)
	}
	return nil
}

// Count reads only the count of a list, as a cheap alarm.
type Count struct{}

func (Count) ask(ctx context.Context, t *stream) error {
	page, err := t.engine.Client.Page(ctx, t.s.Path, withQuery(t.s.Query, url.Values{"limit": {"1"}, "page": {"1"}}))
	t.run.CountRequests(page.Requests)
	if err != nil {
		return err
	}
	return t.compare(ctx, page.TotalCount)
}

func (Count) Name() string { return "count" }

func (Count) shows() string { return "" }

// Whole sweeps a small list: that costs as little as looking for new rows, sees everything, deletions too, and is certified.
type Whole struct{}

func (Whole) ask(ctx context.Context, t *stream) error {
	live, err := t.engine.Store.Rows(t.s.Name).CountLive(ctx)
	if err != nil {
		return err
	}
	if live > wholeRows {
		return nil
	}
	res := t.engine.SweepOnce(ctx, t.s.Name)
	t.run.CountRequests(int(res.Requests))
	if res.Outcome == mirror.Failed {
		return res.Err
	}
	return nil
}

func (Whole) Name() string { return "whole" }

func (Whole) shows() string { return "the whole list" }
