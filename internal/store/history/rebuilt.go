package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Span is the time before changes of subscriptions were recorded, and what is here of it.
type Span struct {
	Since         time.Time // the first subscription
	Until         time.Time // changes are recorded from here on; zero: they are not yet
	Subscriptions int       // that were there then
	HasEvents     bool      // the table events has been read as a whole
	WasRead       bool      // an earlier rebuild has read what it needed
}

// Past is what is known of a subscription from before changes were recorded.
type Past struct {
	ID       uuid.UUID
	Baseline json.RawMessage // its row as it was when changes began to be recorded
	Events   []Event         // in the order of their times
	Orders   []Order         // likewise
}

// Event is one of Polar's events about a subscription.
type Event struct {
	At       time.Time
	Name     string
	Metadata json.RawMessage
}

// Order is one that began a period.
type Order struct {
	At         time.Time
	Reason     string
	ProductID  *uuid.UUID
	DiscountID *uuid.UUID
	Interval   string // of the product
	Count      int64  // intervals in a period
	Amount     int64  // of the plan for a period, in the smallest unit; negative: it cannot be told
}

// Change is a change that was rebuilt.
type Change struct {
	ID                uuid.UUID
	Operation, Source string
	At                time.Time
	Old, New          any
}

// Span looks which time there is to rebuild.
func (h History) Span(ctx context.Context) (Span, error) {
	row, err := h.q.RebuildSpan(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return Span{}, nil
	}
	if err != nil {
		return Span{}, fmt.Errorf("look which time there is to rebuild: %w", err)
	}
	return Span{row.FirstAt, pg.Value(row.HistorySince), int(row.Subscriptions), row.HasEvents, row.WasRead}, nil
}

// Pasts are those of the next subscriptions behind an id, at most so many.
func (h History) Pasts(ctx context.Context, until time.Time, after uuid.UUID, most int) ([]Past, error) {
	rows, err := h.q.RebuildBaselines(ctx, db.RebuildBaselinesParams{After: after, HistorySince: &until, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read subscriptions as they were at %s: %w", until.Format(time.RFC3339), err)
	}
	pasts := make([]Past, len(rows))
	at := make(map[uuid.UUID]*Past, len(rows))
	ids, texts, customers := make([]uuid.UUID, len(rows)), make([]string, len(rows)), []uuid.UUID{}
	for i, r := range rows {
		pasts[i] = Past{ID: r.ID, Baseline: r.Baseline}
		at[r.ID], ids[i], texts[i] = &pasts[i], r.ID, r.ID.String()
		if r.CustomerID != nil {
			customers = append(customers, *r.CustomerID)
		}
	}
	events, err := h.q.RebuildEvents(ctx, db.RebuildEventsParams{IDs: texts, Customers: customers, Until: &until})
	if err != nil {
		return nil, fmt.Errorf("read events of subscriptions: %w", err)
	}
	for _, e := range events {
		if p := at[e.SubscriptionID]; p != nil {
			p.Events = append(p.Events, Event{e.Timestamp, e.Name, e.Metadata})
		}
	}
	orders, err := h.q.RebuildOrders(ctx, db.RebuildOrdersParams{IDs: ids, Until: &until})
	if err != nil {
		return nil, fmt.Errorf("read orders of subscriptions: %w", err)
	}
	for _, o := range orders {
		if p := at[o.SubscriptionID]; p != nil {
			p.Orders = append(p.Orders, Order{o.CreatedAt, o.BillingReason, o.ProductID, o.DiscountID, pg.Value(o.RecurringInterval), pg.Value(o.RecurringIntervalCount), o.Amount})
		}
	}
	return pasts, nil
}

// errDry takes back what a trial has written.
var errDry = errors.New("only a trial")

// Replace puts the rebuilt changes of subscriptions in the place of those that an earlier rebuild wrote, where they differ; in a trial it
// only counts. It tells of how many subscriptions they did, and how many changes it wrote.
func (h History) Replace(ctx context.Context, of []Past, changes []Change, trial bool) (subscriptions, written int, err error) {
	p := db.RebuildReplaceParams{Subscriptions: make([]uuid.UUID, len(of))}
	for i := range of {
		p.Subscriptions[i] = of[i].ID
	}
	for i, c := range changes {
		before, err := json.Marshal(c.Old)
		if err != nil {
			return 0, 0, fmt.Errorf("encode a change of %s: %w", c.ID, err)
		}
		after, err := json.Marshal(c.New)
		if err != nil {
			return 0, 0, fmt.Errorf("encode a change of %s: %w", c.ID, err)
		}
		p.ID, p.N, p.ChangedAt = append(p.ID, c.ID), append(p.N, int64(i)), append(p.ChangedAt, c.At)
		p.Operation, p.Source = append(p.Operation, c.Operation), append(p.Source, c.Source)
		p.Old, p.New = append(p.Old, before), append(p.New, after)
	}
	var row db.RebuildReplaceRow
	err = h.pool.InTx(ctx, func(tx pgx.Tx) error {
		q := h.q.WithTx(tx)
		err := q.RebuildLock(ctx)
		if err == nil {
			row, err = q.RebuildReplace(ctx, p)
		}
		if err == nil && trial {
			err = errDry
		}
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return 0, 0, fmt.Errorf("write rebuilt changes: %w", err)
	}
	return int(row.Subscriptions), int(row.Changes), nil
}
