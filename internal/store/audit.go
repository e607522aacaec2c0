package store

import (
	"context"
	"fmt"

	"syncd/internal/store/db"
)

// Do runs a generated query that belongs to no page.
func (s *Store) Do(ctx context.Context, what string, query func(*db.Queries) error) error {
	if err := query(s.q); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
