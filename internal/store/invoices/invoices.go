// Package invoices knows which orders have an invoice or a receipt.
package invoices

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Orders finds orders in the mirror.
type Orders struct{ pool *pg.Pool }

// New returns the handle on the orders of a schema.
func New(pool *pg.Pool) Orders { return Orders{pool} }

// Of is what the mirror knows of an order's documents.
type Of struct {
	ID               uuid.UUID
	InvoiceNumber    string // "" = none
	InvoiceGenerated bool
	ReceiptNumber    string // "" = none
}

// ByID finds an order, marked as deleted or not; none where the mirror lacks it.
func (o Orders) ByID(ctx context.Context, id uuid.UUID) ([]Of, error) {
	return o.find(ctx, "id = $1", id)
}

// ByInvoice finds orders by invoice number, which Polar gives out once.
func (o Orders) ByInvoice(ctx context.Context, number string) ([]Of, error) {
	return o.find(ctx, "invoice_number = $1 AND _deleted_at IS NULL", number)
}

func (o Orders) find(ctx context.Context, where string, arg any) ([]Of, error) {
	rows, err := o.pool.Query(ctx, `
		SELECT id, COALESCE(invoice_number, ''), COALESCE(is_invoice_generated, false), COALESCE(receipt_number, '')
		FROM orders WHERE `+where+` ORDER BY id LIMIT 2`, arg)
	var found []Of
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Of])
	}
	if err != nil {
		return nil, fmt.Errorf("look up an order: %w", err)
	}
	return found, nil
}
