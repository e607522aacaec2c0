package mirror

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
)

const (
	maxHeadPages = 50  // of news in one round; beyond, a sweep is due
	maxHotPages  = 1   // of a hot set in one round; a larger one is read in turns
	mostHot      = 500 // rows that may have left a hot set, asked for by id
	wholeRows    = 100 // a list with as many rows is one page: it is swept, not followed
)

// Since reads what came after the newest row known, of a list that filters by
// time: its keyset scan from a little before that row.
type Since struct{}

func (Since) ask(ctx context.Context, t *tail) error {
	k, ok := t.s.Scan.(scan.Keyset)
	if !ok {
		return fmt.Errorf("stream %s has no keyset to begin from", t.s.Name)
	}
	from := t.at.Newest.since(t.round.now(), t.r.TailOverlap)
	if t.at.Newest.IsZero() {
		newest, err := t.r.Store.Rows(t.s.Name).Newest(ctx, k.Sort, t.r.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest := t.r.Client.Now(), time.Time{}
	var cursor scan.Cursor
	if !from.IsZero() && from.Year() > 1 {
		cursor.After = from.UTC().Format(time.RFC3339Nano)
	}
	pages := 0
	for page, err := range k.Pages(ctx, t.r.Client, t.s.Path, t.s.Query, cursor) {
		t.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		kept, err := t.listed(ctx, page.Page, k.Sort)
		if err != nil {
			return err
		}
		newest = later(newest, kept)
		if pages++; pages >= maxHeadPages && !page.Done {
			// What was stored counts; the next round goes on behind it.
			asked = newest
			break
		}
	}
	t.at.Newest.reach(newest, t.r.Client.Now(), t.round.now())
	t.reached(asked)
	return nil
}

func (Since) Name() string { return "since" }

func (Since) shows() string { return "new rows" }

// Head reads a list from its newest row back to a little before the newest one
// known. Its count of the whole list is compared with the table.
type Head struct {
	By string // time that the list can be sorted by in descending order; "" = created_at
}

func (h Head) ask(ctx context.Context, t *tail) error {
	by := h.By
	if by == "" {
		by = "created_at"
	}
	from := t.at.Newest.since(t.round.now(), t.r.TailOverlap)
	if t.at.Newest.IsZero() {
		newest, err := t.r.Store.Rows(t.s.Name).Newest(ctx, by, t.r.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest, sorting := t.r.Client.Now(), t.at.Newest.At, []string{"-" + by}
	if o, ok := t.s.Scan.(scan.Offset); ok && len(o.Sort) > 1 && o.Sort[0] == "-"+by {
		sorting = append(sorting, o.Sort[1:]...)
	}
	n := 0
	for page, err := range (scan.Offset{Sort: sorting}).Pages(ctx, t.r.Client, t.s.Path, t.s.Query, scan.Cursor{}) {
		t.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		n++
		kept, err := t.listed(ctx, page.Page, by)
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
			t.at.Newest.reach(newest, t.r.Client.Now(), t.round.now())
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

// compare takes a count that differs from what is here, by another number than
// right after the last complete sweep, as a reason to sweep early: something
// came or went that no tail has seen. An equal count is never a reason.
func (t *tail) compare(ctx context.Context, total int) error {
	live, err := t.r.Store.Rows(t.s.Name).CountLive(ctx)
	if err != nil {
		return err
	}
	short := total - int(live)
	switch {
	case short == 0:
		// Nothing is missing. Rows that Polar counted and that were not here yet have come.
		if t.at.Short == nil || *t.at.Short > 0 {
			t.at.Short = &short
		}
	case t.at.Short == nil:
		t.at.Short = &short
	case *t.at.Short != short:
		t.sweepDue = fmt.Sprintf("Polar counts %d rows, here are %d", total, live)
	}
	return nil
}

// Count asks for the count of a list only, as a cheap alarm.
type Count struct{}

func (Count) ask(ctx context.Context, t *tail) error {
	page, err := t.r.Client.Page(ctx, t.s.Path, withQuery(t.s.Query, url.Values{"limit": {"1"}, "page": {"1"}}))
	t.requests += int64(page.Requests)
	if err != nil {
		return err
	}
	return t.compare(ctx, page.TotalCount)
}

func (Count) Name() string { return "count" }

func (Count) shows() string { return "" }

// Hot reads the rows that are likely to change soon: those with one of a few
// values. A row that has such a value here and is not among them has changed.
type Hot struct {
	Filter string // a parameter of the list, and the column of the same name
	Values []string
}

func (h Hot) ask(ctx context.Context, t *tail) error {
	first := max(1, t.at.Page[t.probe])
	received := map[string]bool{}
	var asked time.Time
	n, all := first, first == 1
	for ; ; n++ {
		page, err := t.page(ctx, url.Values{h.Filter: h.Values, "page": {strconv.Itoa(n)}})
		if err != nil {
			return err
		}
		asked = page.RequestedAt
		if n == 1 {
			if t.at.Began == nil {
				t.at.Began = map[string]time.Time{}
			}
			t.at.Began[t.probe] = asked.UTC()
		}
		if _, err := t.listed(ctx, page, ""); err != nil {
			return err
		}
		for _, id := range item.FieldIDs(page.Items) {
			received[id] = true
		}
		if n >= page.MaxPage || len(page.Items) == 0 {
			t.reached(t.at.Began[t.probe])
			n = 0
			break
		}
		if n-first+1 >= maxHotPages {
			all = false
			break
		}
	}
	if t.at.Page == nil {
		t.at.Page = map[string]int{}
	}
	t.at.Page[t.probe] = n + 1
	if !all {
		return nil
	}
	here, err := t.r.Store.Rows(t.s.Name).IDsByValue(ctx, h.Filter, h.Values, mostHot)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(here, func(id uuid.UUID) bool { return received[id.String()] })
	return t.r.Store.Changes().Note(ctx, byID(t.s.Name, left, asked))
}

func (h Hot) Name() string { return "hot " + h.Filter }

func (h Hot) shows() string { return h.Filter + " " + strings.Join(h.Values, ", ") }

// Due fetches the rows of which a date has passed: a period that ends changes
// the row without anything in a list that could be filtered by. Each is looked
// at soon after, and once more, since Polar's own jobs take their time.
type Due struct{ Columns []string }

// dueLooks is how long after the date a row is looked at.
var dueLooks = []time.Duration{time.Minute, 15 * time.Minute}

func (d Due) ask(ctx context.Context, t *tail) error {
	now := t.r.Client.Now().UTC()
	last := t.at.Checked
	if last.IsZero() {
		last = now.Add(-t.at.Complete - t.r.TailOverlap)
	}
	for _, after := range dueLooks {
		ids, err := t.r.Store.Rows(t.s.Name).IDsDueBetween(ctx, d.Columns, last.Add(-after), now.Add(-after), mostChanges)
		if err != nil {
			return err
		}
		if err := t.r.Store.Changes().Note(ctx, byID(t.s.Name, ids, now)); err != nil {
			return err
		}
	}
	t.at.Checked = now
	t.reached(now.Add(t.r.TailOverlap - dueLooks[len(dueLooks)-1]))
	return nil
}

func (Due) Name() string { return "due" }

func (d Due) shows() string { return strings.Join(d.Columns, ", ") }

// Modified follows a list that can be sorted by modified_at. Rows never modified
// come first in descending order; how many there were last time is where the
// search for the newest change begins.
type Modified struct {
	Then []string // further criteria, unique together: rows modified at once would else be shuffled from page to page
}

func (m Modified) ask(ctx context.Context, t *tail) error {
	from := t.at.Modified.since(t.round.now(), t.r.TailOverlap)
	if t.at.Modified.IsZero() {
		newest, err := t.r.Store.Rows(t.s.Name).Newest(ctx, "modified_at", t.r.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest := t.r.Client.Now(), t.at.Modified.At
	read := func(n int) (fetch.Page, int, error) {
		page, err := t.page(ctx, url.Values{"sorting": append([]string{"-modified_at"}, m.Then...), "page": {strconv.Itoa(n)}})
		if err != nil {
			return page, 0, err
		}
		nulls := 0
		for _, object := range page.Items {
			if item.FieldTime(object, "modified_at").IsZero() {
				nulls++
			}
		}
		kept, err := t.listed(ctx, page, "modified_at")
		newest = later(newest, kept)
		return page, nulls, err
	}
	// Pages up to low hold rows never modified only, high has a modified one; between them lies the border.
	low, high, last, step := 0, math.MaxInt, math.MaxInt, 1
	var page fetch.Page
	for n := t.at.Nulls/100 + 1; high-low > 1; step *= 2 {
		p, nulls, err := read(n)
		if err != nil {
			return err
		}
		last = max(1, p.MaxPage)
		if nulls == len(p.Items) {
			low, high = n, min(high, last+1)
		} else {
			high, page = n, p
			if nulls > 0 {
				low = n - 1
			}
		}
		t.at.Nulls = (n-1)*100 + nulls
		if high > last {
			n = min(low+step, last)
		} else {
			n = max(low+1, high-step)
		}
	}
	if high > last {
		t.reached(asked)
		return nil // nothing was ever modified
	}
	for n := high; ; n++ {
		if n > high {
			var err error
			if page, _, err = read(n); err != nil {
				return err
			}
		}
		if len(page.Items) == 0 || n >= page.MaxPage || item.FieldTime(page.Items[len(page.Items)-1], "modified_at").Before(from) {
			break
		}
		if n-high >= maxHeadPages {
			t.sweepDue = fmt.Sprintf("more than %d rows were modified at once", 100*maxHeadPages)
			asked = t.at.Reach[t.probe]
			break
		}
	}
	t.at.Modified.reach(newest, t.r.Client.Now(), t.round.now())
	t.reached(asked)
	return t.compare(ctx, page.TotalCount)
}

func (Modified) Name() string { return "modified" }

func (Modified) shows() string { return "modified rows" }

// Whole sweeps a list that is small: that costs as little as looking for what
// is new, sees everything, deletions too, and is certified.
type Whole struct{}

func (Whole) ask(ctx context.Context, t *tail) error {
	live, err := t.r.Store.Rows(t.s.Name).CountLive(ctx)
	if err != nil {
		return err
	}
	if live > wholeRows {
		return nil
	}
	res := t.r.Once(ctx, t.s.Name)
	t.requests += res.Requests
	if res.Outcome == Failed {
		return res.Err
	}
	return nil
}

func (Whole) Name() string { return "whole" }

func (Whole) shows() string { return "the whole list" }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func withQuery(q, more url.Values) url.Values {
	all := url.Values{}
	for k, v := range q {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}
