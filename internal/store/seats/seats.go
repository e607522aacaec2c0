package seats

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Seats reads the seats that are mirrored.
type Seats struct{ q *db.Queries }

// New returns the handle.
func New(pool *pg.Pool) Seats { return Seats{db.New(pool)} }

// Payers are the customers who pay for seats, those first whose seats changed last. owners is for how many subscriptions and orders.
func (s Seats) Payers(ctx context.Context) (customers []uuid.UUID, owners int64, err error) {
	rows, err := s.q.SeatPayers(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("look for who pays for seats: %w", err)
	}
	for _, r := range rows {
		customers, owners = append(customers, r.CustomerID), owners+r.Owners
	}
	return customers, owners, nil
}

// Owners are the ids of what these customers pay for, by the column of customer_seats that holds them.
func (s Seats) Owners(ctx context.Context, customers []uuid.UUID) (map[string][]uuid.UUID, error) {
	rows, err := s.q.SeatOwners(ctx, customers)
	if err != nil {
		return nil, fmt.Errorf("look for what has seats: %w", err)
	}
	by := map[string][]uuid.UUID{}
	for _, r := range rows {
		by[r.Filter] = append(by[r.Filter], r.ID)
	}
	return by, nil
}

// Count is how many seats are assigned at the end of an hour, and how many of them are claimed.
type Count struct{ Total, Claimed int64 }

// Counts counts the seats that these customers pay for, at the end of each hour; nil = those of everybody. Hours are in ascending order.
func (s Seats) Counts(ctx context.Context, customers []uuid.UUID, hours []time.Time) ([]Count, error) {
	rows, err := s.q.SeatCounts(ctx, db.SeatCountsParams{Hours: hours, Everybody: customers == nil, Customers: customers})
	if err != nil {
		return nil, fmt.Errorf("count seats: %w", err)
	}
	counts := make([]Count, len(rows))
	for i, r := range rows {
		counts[i] = Count{r.Total, r.Claimed}
	}
	return counts, nil
}
