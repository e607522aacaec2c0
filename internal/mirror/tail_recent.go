package mirror

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/fetch/scan"
)

// Recent reads what came after the newest row known, of a list that is read by
// windows of time: the windows from a little before that row.
type Recent struct{}

func (Recent) ask(ctx context.Context, t *tail) error {
	w, ok := t.s.Scan.(scan.Windows)
	if !ok {
		return fmt.Errorf("stream %s has no windows to begin from", t.s.Name)
	}
	from := t.at.Newest.since(t.round.now(), t.r.TailOverlap)
	if t.at.Newest.IsZero() {
		newest, err := t.r.Store.Rows(t.s.Name).Newest(ctx, w.Field, t.r.Client.Now())
		if err != nil {
			return err
		}
		from = t.start(newest)
	}
	asked, newest := t.r.Client.Now(), time.Time{}
	var cursor scan.Cursor
	if from.Year() > 1 {
		cursor.After = from.UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	pages := 0
	for page, err := range w.Pages(ctx, t.r.Client, t.s.Path, t.s.Query, cursor) {
		t.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		page.Gaps = nil // the next sweep has to account for them
		kept, err := t.listed(ctx, page.Page, w.Field)
		if err != nil {
			return err
		}
		newest = later(newest, kept)
		if pages++; pages >= maxHeadPages && !page.Done {
			asked = newest
			break // what was stored counts; the next round goes on behind it
		}
	}
	t.at.Newest.reach(newest, t.r.Client.Now(), t.round.now())
	t.reached(asked)
	return nil
}

func (Recent) Name() string { return "recent" }

func (Recent) shows() string { return "new rows" }
