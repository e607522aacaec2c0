package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

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
