package tail

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
	"syncd/internal/item"
	"syncd/internal/store/tails"
)

// Hot reads the rows that are likely to change soon: those with one of a few values. A stored row with such a value that is not
// among them has changed.
type Hot struct {
	Filter string // a parameter of the list, and the column of that name
	Values []string
}

func (h Hot) ask(ctx context.Context, t *stream) error {
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
		if _, err := t.storeListed(ctx, page, ""); err != nil {
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
	here, err := t.engine.Store.Rows(t.s.Name).IDsByValue(ctx, h.Filter, h.Values, mostHot)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(here, func(id uuid.UUID) bool { return received[id.String()] })
	return t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, left, asked))
}

func (h Hot) Name() string { return "hot " + h.Filter }

func (h Hot) shows() string { return h.Filter + " " + strings.Join(h.Values, ", ") }

// Due fetches rows when one of their dates has passed: a period that ends changes the row, and no filter of the list shows that.
// Each row is fetched soon after the date, and once more, since Polar's own jobs take their time.
type Due struct{ Columns []string }

// dueLooks are how long after the date a row is fetched.
var dueLooks = []time.Duration{time.Minute, 15 * time.Minute}

func (d Due) ask(ctx context.Context, t *stream) error {
	now := t.engine.Client.Now().UTC()
	last := t.at.Checked
	if last.IsZero() {
		last = now.Add(-t.at.Complete - t.overlap)
	}
	for _, after := range dueLooks {
		ids, err := t.engine.Store.Rows(t.s.Name).IDsDueBetween(ctx, d.Columns, last.Add(-after), now.Add(-after), mostChanges)
		if err != nil {
			return err
		}
		if err := t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, ids, now)); err != nil {
			return err
		}
	}
	t.at.Checked = now
	t.reached(now.Add(t.overlap - dueLooks[len(dueLooks)-1]))
	return nil
}

func (Due) Name() string { return "due" }

func (d Due) shows() string { return strings.Join(d.Columns, ", ") }

// Modified follows a list that can be sorted by modified_at. Rows that were never modified come first in descending order. The
// search for the newest change begins at their last known number.
type Modified struct {
	Then []string // further criteria, unique together: else rows modified at once would come in another order on each page
}

func (m Modified) ask(ctx context.Context, t *stream) error {
	from := t.at.Modified.Since(t.round.now(), t.overlap)
	if t.at.Modified.IsZero() {
		newest, err := t.engine.Store.Rows(t.s.Name).Newest(ctx, "modified_at", t.engine.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest := t.engine.Client.Now(), t.at.Modified.At
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
		kept, err := t.storeListed(ctx, page, "modified_at")
		newest = later(newest, kept)
		return page, nulls, err
	}
	// Pages up to low hold only rows that were never modified; high holds a modified one. The border lies between them.
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
		return nil // no row was ever modified
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
	t.at.Modified.Reach(newest, t.engine.Client.Now(), t.round.now())
	t.reached(asked)
	return t.compare(ctx, page.TotalCount)
}

func (Modified) Name() string { return "modified" }

func (Modified) shows() string { return "modified rows" }
