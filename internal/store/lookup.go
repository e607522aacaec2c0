package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Known tells which of the ids a table has a row for, and whether that row is live: not marked as deleted.
func (s *Store) Known(ctx context.Context, table string, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	known := make(map[uuid.UUID]bool, len(ids))
	rows, err := s.pool.Query(ctx, `SELECT id, _deleted_at IS NULL FROM `+pgx.Identifier{table}.Sanitize()+` WHERE id = ANY($1)`, ids)
	if err == nil {
		var id uuid.UUID
		var live bool
		_, err = pgx.ForEachRow(rows, []any{&id, &live}, func() error { known[id] = live; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("look up rows of %s: %w", table, err)
	}
	return known, nil
}

// Neighbours are ids of up to three live rows, none of them among ids. They follow the first of ids in the order of the
// key, which is as good as random and takes no scan. Rows that were only copied from other objects are left out: nobody
// knows whether Polar shows them.
func (s *Store) Neighbours(ctx context.Context, table string, ids []uuid.UUID) ([]uuid.UUID, error) {
	t := pgx.Identifier{table}.Sanitize()
	side := func(compare string) string {
		return `(SELECT t.id FROM ` + t + ` t WHERE t.id ` + compare + ` $2 AND t._deleted_at IS NULL AND NOT t.id = ANY($1)
			AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = $3 AND c.id = t.id AND c.resolved_at IS NULL)
			ORDER BY t.id LIMIT 3)`
	}
	rows, err := s.pool.Query(ctx, side(">")+" UNION ALL "+side("<")+" LIMIT 3", ids, ids[0], table)
	if err != nil {
		return nil, fmt.Errorf("look for other rows of %s: %w", table, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look for other rows of %s: %w", table, err)
	}
	return found, nil
}

// ByExternalID finds live rows by ids of the user's own system: of a customer, or of a customer and a member of it.
func (s *Store) ByExternalID(ctx context.Context, table string, external ...string) ([]uuid.UUID, error) {
	sql := `SELECT id FROM ` + pgx.Identifier{table}.Sanitize() + ` WHERE external_id = $1 AND _deleted_at IS NULL`
	args := []any{external[len(external)-1]}
	if len(external) > 1 {
		sql += ` AND customer_id IN (SELECT id FROM customers WHERE external_id = $2)`
		args = append(args, external[0])
	}
	rows, err := s.pool.Query(ctx, sql+" ORDER BY id", args...)
	if err != nil {
		return nil, fmt.Errorf("look up %s by external id: %w", table, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look up %s by external id: %w", table, err)
	}
	return found, nil
}

// OrderDocuments is what the mirror knows of an order's documents.
type OrderDocuments struct {
	ID               uuid.UUID
	InvoiceNumber    string // "" = none
	InvoiceGenerated bool
	ReceiptNumber    string // "" = none
}

// OrdersByID finds an order, marked as deleted or not; none where the mirror lacks it.
func (s *Store) OrdersByID(ctx context.Context, id uuid.UUID) ([]OrderDocuments, error) {
	return s.orders(ctx, "id = $1", id)
}

// OrdersByInvoice finds orders by invoice number, which Polar gives out once.
func (s *Store) OrdersByInvoice(ctx context.Context, number string) ([]OrderDocuments, error) {
	return s.orders(ctx, "invoice_number = $1 AND _deleted_at IS NULL", number)
}

func (s *Store) orders(ctx context.Context, where string, arg any) ([]OrderDocuments, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, COALESCE(invoice_number, ''), COALESCE(is_invoice_generated, false), COALESCE(receipt_number, '')
		FROM orders WHERE `+where+` ORDER BY id LIMIT 2`, arg)
	var found []OrderDocuments
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[OrderDocuments])
	}
	if err != nil {
		return nil, fmt.Errorf("look up an order: %w", err)
	}
	return found, nil
}
