package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// NoteAnswer records that Polar answered this long ago. Times are the database's, whatever the clock of the host says.
func (s *Store) NoteAnswer(ctx context.Context, ago time.Duration) error {
	if err := s.q.PolarAnswered(ctx, ago.Seconds()); err != nil {
		return fmt.Errorf("record that Polar answered: %w", err)
	}
	return nil
}

// LastAnswer is when Polar last answered any process on this schema, and how long ago that is; zero when it never did.
func (s *Store) LastAnswer(ctx context.Context) (at time.Time, ago time.Duration, err error) {
	row, err := s.q.PolarLastAnswer(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read when Polar last answered: %w", err)
	}
	return row.AnsweredAt.UTC(), time.Duration(row.SecondsAgo * float64(time.Second)), nil
}
