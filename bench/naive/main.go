// Command naive is what one would write in an afternoon to have Polar's orders in
// Postgres, for the benchmark to compare with: page after page through net/http,
// encoding/json into a struct, one INSERT ... ON CONFLICT for each order and each
// of its items. It keeps its connections open, asks for the largest pages, and
// lets pgx prepare its statements once; it knows no batches, no transactions, no
// resuming, no deletions and no limits.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

type order struct {
	ID                   string          `json:"id"`
	CreatedAt            time.Time       `json:"created_at"`
	ModifiedAt           *time.Time      `json:"modified_at"`
	Status               string          `json:"status"`
	Paid                 bool            `json:"paid"`
	BillingReason        string          `json:"billing_reason"`
	Description          string          `json:"description"`
	Currency             string          `json:"currency"`
	SubtotalAmount       int64           `json:"subtotal_amount"`
	DiscountAmount       int64           `json:"discount_amount"`
	NetAmount            int64           `json:"net_amount"`
	TaxAmount            int64           `json:"tax_amount"`
	TotalAmount          int64           `json:"total_amount"`
	AppliedBalanceAmount int64           `json:"applied_balance_amount"`
	DueAmount            int64           `json:"due_amount"`
	RefundedAmount       int64           `json:"refunded_amount"`
	RefundedTaxAmount    int64           `json:"refunded_tax_amount"`
	RefundableAmount     int64           `json:"refundable_amount"`
	RefundableTaxAmount  int64           `json:"refundable_tax_amount"`
	PlatformFeeAmount    int64           `json:"platform_fee_amount"`
	PlatformFeeCurrency  *string         `json:"platform_fee_currency"`
	Seats                *int64          `json:"seats"`
	Units                *int64          `json:"units"`
	CustomerID           string          `json:"customer_id"`
	ProductID            *string         `json:"product_id"`
	SubscriptionID       *string         `json:"subscription_id"`
	DiscountID           *string         `json:"discount_id"`
	CheckoutID           *string         `json:"checkout_id"`
	InvoiceNumber        *string         `json:"invoice_number"`
	IsInvoiceGenerated   bool            `json:"is_invoice_generated"`
	ReceiptNumber        *string         `json:"receipt_number"`
	NextPaymentAttemptAt *time.Time      `json:"next_payment_attempt_at"`
	BillingName          *string         `json:"billing_name"`
	BillingAddress       json.RawMessage `json:"billing_address"`
	Metadata             json.RawMessage `json:"metadata"`
	CustomFieldData      json.RawMessage `json:"custom_field_data"`
	Items                []item          `json:"items"`
}

type item struct {
	ID             string     `json:"id"`
	CreatedAt      time.Time  `json:"created_at"`
	ModifiedAt     *time.Time `json:"modified_at"`
	Label          string     `json:"label"`
	Amount         int64      `json:"amount"`
	TaxAmount      int64      `json:"tax_amount"`
	Proration      bool       `json:"proration"`
	ProductPriceID *string    `json:"product_price_id"`
}

type page struct {
	Items      []order `json:"items"`
	Pagination struct {
		MaxPage int `json:"max_page"`
	} `json:"pagination"`
}

// upsert writes INSERT ... ON CONFLICT for columns, the first keys of which are the primary key.
func upsert(table string, keys int, columns ...string) string {
	values, sets := make([]string, len(columns)), make([]string, 0, len(columns))
	for i, c := range columns {
		values[i] = fmt.Sprintf("$%d", i+1)
		if i >= keys {
			sets = append(sets, c+" = EXCLUDED."+c)
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s", table, strings.Join(columns, ", "),
		strings.Join(values, ", "), strings.Join(columns[:keys], ", "), strings.Join(sets, ", "))
}

// store writes an order and its items.
func store(ctx context.Context, db *pgx.Conn, orderSQL, itemSQL string, o *order) error {
	_, err := db.Exec(ctx, orderSQL, o.ID, o.CreatedAt, o.ModifiedAt, o.Status, o.Paid, o.BillingReason, o.Description, o.Currency,
		o.SubtotalAmount, o.DiscountAmount, o.NetAmount, o.TaxAmount, o.TotalAmount, o.AppliedBalanceAmount, o.DueAmount,
		o.RefundedAmount, o.RefundedTaxAmount, o.RefundableAmount, o.RefundableTaxAmount, o.PlatformFeeAmount, o.PlatformFeeCurrency,
		o.Seats, o.Units, o.CustomerID, o.ProductID, o.SubscriptionID, o.DiscountID, o.CheckoutID, o.InvoiceNumber,
		o.IsInvoiceGenerated, o.ReceiptNumber, o.NextPaymentAttemptAt, o.BillingName, o.BillingAddress, o.Metadata, o.CustomFieldData)
	if err != nil {
		return err
	}
	for _, it := range o.Items {
		if _, err := db.Exec(ctx, itemSQL, o.ID, it.ID, it.CreatedAt, it.ModifiedAt, it.Label, it.Amount, it.TaxAmount, it.Proration, it.ProductPriceID); err != nil {
			return err
		}
	}
	return nil
}

func fetch(ctx context.Context, server string, number int) (*page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/v1/orders/?limit=100&sorting=created_at&page=%d", server, number), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("POLAR_ACCESS_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	var p page
	return &p, json.NewDecoder(resp.Body).Decode(&p)
}

func run(ctx context.Context, orders int) error {
	db, err := pgx.Connect(ctx, os.Getenv("SYNCD_DATABASE_URL"))
	if err != nil {
		return err
	}
	defer db.Close(ctx) //nolint:errcheck // everything is written
	orderSQL := upsert("naive.orders", 1, "id", "created_at", "modified_at", "status", "paid", "billing_reason", "description", "currency",
		"subtotal_amount", "discount_amount", "net_amount", "tax_amount", "total_amount", "applied_balance_amount", "due_amount",
		"refunded_amount", "refunded_tax_amount", "refundable_amount", "refundable_tax_amount", "platform_fee_amount", "platform_fee_currency",
		"seats", "units", "customer_id", "product_id", "subscription_id", "discount_id", "checkout_id", "invoice_number",
		"is_invoice_generated", "receipt_number", "next_payment_attempt_at", "billing_name", "billing_address", "metadata", "custom_field_data")
	itemSQL := upsert("naive.order_items", 2, "order_id", "id", "created_at", "modified_at", "label", "amount", "tax_amount", "proration", "product_price_id")
	for n, done := 1, 0; done < orders; n++ {
		p, err := fetch(ctx, os.Getenv("POLAR_SERVER"), n)
		if err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
		for i := range p.Items {
			if err := store(ctx, db, orderSQL, itemSQL, &p.Items[i]); err != nil {
				return fmt.Errorf("order %s: %w", p.Items[i].ID, err)
			}
		}
		done += len(p.Items)
		if n >= p.Pagination.MaxPage {
			break
		}
	}
	return nil
}

func main() {
	orders := flag.Int("orders", 1<<40, "stop after so many")
	flag.Parse()
	if err := run(context.Background(), *orders); err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}
