package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store/seats"
	"syncd/internal/store/tails"
	"syncd/internal/tail/counts"
)

const (
	// countsOff is the name under which counts are disabled, where Polar's metrics cannot be read.
	countsOff = Name + "/counts"
	// mostPayers bounds for how many customers one round finds that their seats have changed. The next round finds more.
	mostPayers = 100
)

// Seats compares how many seats Polar counts today, hour by hour, with the table. Where they differ, it finds out for which customers,
// whose seats are then fetched. So one request shows that no seat was assigned, claimed or revoked, however many subscriptions have
// seats. It does not show what leaves the counts as they are: another e-mail address, or a pending seat that somebody else is given.
type Seats struct{}

func (Seats) Name() string { return "counts" }

func (Seats) shows() string { return tails.ByCounts }

func (Seats) ask(ctx context.Context, t *stream) error {
	asked, store := t.engine.Client.Now(), seats.New(t.engine.Store.Pool())
	payers, owners, err := store.Payers(ctx)
	if err != nil || t.engine.IsDisabled(countsOff) {
		return err
	}
	if len(payers) == 0 {
		t.reached(asked)
		return nil
	}
	count := &counts.Seats{Client: t.engine.Client, Here: store, Day: asked}
	defer func() { t.run.CountRequests(count.Requests) }()
	whole, last, err := count.Difference(ctx, nil)
	if errors.Is(err, fetch.ErrScope) || errors.Is(err, fetch.ErrContract) || errors.Is(err, fetch.ErrNotFound) {
		t.engine.DisableStream(countsOff, err.Error())
		t.engine.Log.WarnContext(ctx, "tails do without Polar's counts of seats until the next start: changes of seats are seen later", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	// What differs although its owners were asked is of seats that no list shows: it is looked for again when anything has changed.
	odd := fmt.Sprint(last, whole.Steps(), owners)
	if !whole.IsZero() && odd != t.at.Odd {
		found, err := counts.Search(payers, mirror.ValuesAtOnce, mostPayers, whole, func(some []uuid.UUID) (counts.Difference, error) {
			if err := t.round.interlude(ctx); err != nil { // a search may take half a minute at the budget's pace
				return nil, err
			}
			d, _, err := count.Difference(ctx, some)
			return d, err
		})
		if err != nil {
			return err
		}
		t.sought = count.Requests - 1
		if err := t.noteSeats(ctx, store, found); err != nil {
			return err
		}
		if len(found) >= mostPayers {
			odd = ""
		}
	}
	t.at.Odd = odd
	t.reached(asked)
	return nil
}

// noteSeats notes that the seats of these customers have changed, at the earliest when they were last known to be as counted.
func (t *stream) noteSeats(ctx context.Context, store seats.Seats, customers []uuid.UUID) error {
	owners, err := store.Owners(ctx, customers)
	if err != nil {
		return err
	}
	var changes []tails.Changed
	for filter, ids := range owners {
		for _, id := range ids {
			changes = append(changes, tails.Changed{Stream: t.s.Name, Filter: filter, Value: id.String(), At: later(t.at.Reach[t.probe], time.Unix(1, 0))})
		}
	}
	return t.kept().Changes().NoteTold(ctx, changes)
}
