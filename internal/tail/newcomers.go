package tail

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/tail/hooks"
	"syncd/internal/tail/stand"
)

// newcomers records the rows of a page that the mirror does not have: the feeds that tell of each new row owe these, too.
func (t *stream) newcomers(ctx context.Context, page fetch.Page) error {
	var feeds []*stand.Feed
	a := t.round.access(t.at.Since)
	if f := &t.round.feeds.Deliveries; a.carries(t.spec.Hook) && hooks.IsSent(t.spec.Hook+"created") {
		feeds = append(feeds, f)
	}
	if a.events && t.spec.Told.Event != "" {
		feeds = append(feeds, &t.round.feeds.Events)
	}
	feeds = slices.DeleteFunc(feeds, func(f *stand.Feed) bool { return f.Asked.IsZero() || len(f.Untold) >= stand.MostUntold })
	if len(feeds) == 0 {
		return nil
	}
	made := map[uuid.UUID]time.Time{}
	var ids []uuid.UUID
	before, now := t.at.Reach[t.probe], t.engine.Client.Now()
	if before.IsZero() {
		return nil
	}
	for _, object := range page.Items {
		id, err := uuid.Parse(item.FieldText(object, "id"))
		at := item.FieldTime(object, "created_at")
		if told := t.spec.Told; err != nil || at.Before(before.Add(-t.overlap)) || at.After(now) || told.Field != "" && item.FieldText(object, told.Field) != told.Value {
			continue
		}
		ids, made[id] = append(ids, id), at
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := t.engine.Store.Rows(t.s.Name).LookUpIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, is := known[id]; is {
			continue
		}
		for _, f := range feeds {
			if !f.HasTold(t.s.Name, id.String()) { // else the round fetches later what the feed told of
				f.Owes(t.s.Name, id.String(), made[id])
			}
		}
	}
	return nil
}
