// Package documents fetches the PDFs that Polar keeps for orders. It stores nothing, so it needs no run.
//
// Invoice and Receipt find the order by its id or, in the mirror, by its invoice number. They ask Polar whether the document
// exists, unless the mirror knows, and download it. They never make Polar create an invoice.
package documents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/store"
	"syncd/internal/store/invoices"
)

// Document is a PDF that Polar keeps for an order.
type Document struct {
	Order  uuid.UUID
	Number string // of the invoice or receipt; "" where neither the mirror nor Polar has it
	PDF    []byte
}

// Fetcher fetches documents. What the mirror knows about an order saves requests.
type Fetcher struct {
	Client *fetch.Client
	Store  *store.Store
	Log    *slog.Logger
}

// ErrNoDocument: Polar has no such document, or not yet. No request was sent that would make one.
var ErrNoDocument = errors.New("no document")

// Invoice fetches the invoice of an order, which is named by Polar's id or by its invoice number. An invoice exists once the
// merchant or the customer has had it generated, which fixes it for ever (polarsource/polar, server/polar/order/service.py). So
// Invoice never asks Polar to generate one. The error is ErrNoDocument when it has not been generated.
func (f Fetcher) Invoice(ctx context.Context, order string) (Document, error) {
	ctx = limit.WithPriority(ctx, limit.PriorityRefresh)
	o, err := f.order(ctx, order)
	if err != nil {
		return Document{}, err
	}
	not := fmt.Errorf("%w: the invoice of order %s has not been generated; Polar generates it when the customer asks for it in the portal, or the merchant in the dashboard", ErrNoDocument, o.ID)
	if !o.InvoiceGenerated && !o.asked {
		if o, err = f.askOrder(ctx, o.ID); err != nil {
			return Document{}, err
		}
	}
	if !o.InvoiceGenerated {
		return Document{}, not
	}
	pdf, err := f.Client.DownloadDocument(ctx, "/v1/orders/"+o.ID.String()+"/invoice")
	if failed, is := errors.AsType[*fetch.Error](err); is && failed.Code == "InvoiceDoesNotExist" {
		return Document{}, not
	}
	return Document{o.ID, o.InvoiceNumber, pdf}, err
}

// receiptWaits is how often the request for a receipt is repeated while Polar renders it.
const receiptWaits = 6

// Receipt fetches the receipt of an order, as Invoice does. A request for a receipt makes Polar render it, so it is sent only if
// the order has a receipt number. While Polar renders, the request is repeated after pauses: the first is wait, each further one
// twice as long; with a second they add up to a minute. The error is ErrNoDocument when there is no number, or no receipt after
// that time.
func (f Fetcher) Receipt(ctx context.Context, order string, wait time.Duration) (Document, error) {
	ctx = limit.WithPriority(ctx, limit.PriorityRefresh)
	o, err := f.order(ctx, order)
	if err != nil {
		return Document{}, err
	}
	if o.ReceiptNumber == "" && !o.asked {
		if o, err = f.askOrder(ctx, o.ID); err != nil {
			return Document{}, err
		}
	}
	if o.ReceiptNumber == "" {
		return Document{}, fmt.Errorf("%w: order %s has no receipt: Polar numbers one when an order is paid, where receipts are on", ErrNoDocument, o.ID)
	}
	for again := range receiptWaits + 1 {
		pdf, err := f.Client.DownloadDocument(ctx, "/v1/orders/"+o.ID.String()+"/receipt")
		if failed, is := errors.AsType[*fetch.Error](err); is && failed.Code == "ReceiptNotAllocated" {
			return Document{}, fmt.Errorf("%w: Polar has allocated no receipt to order %s", ErrNoDocument, o.ID)
		}
		if !errors.Is(err, fetch.ErrRendering) {
			return Document{o.ID, o.ReceiptNumber, pdf}, err
		}
		if again == receiptWaits {
			break
		}
		f.Log.InfoContext(ctx, "Polar renders the receipt: waiting", "order", o.ID, "wait", wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Document{}, fmt.Errorf("stopped while Polar renders the receipt of order %s: %w", o.ID, context.Cause(ctx))
		}
		wait *= 2
	}
	return Document{}, fmt.Errorf("%w: Polar still renders the receipt of order %s: ask again in a minute", ErrNoDocument, o.ID)
}

// orderFacts is what must be known of an order before a document is requested.
type orderFacts struct {
	invoices.Of
	asked bool // Polar was asked just now; else this comes from the mirror
}

// order finds an order by Polar's id, or by its invoice number in the mirror.
func (f Fetcher) order(ctx context.Context, name string) (orderFacts, error) {
	id, notID := uuid.Parse(name)
	var found []invoices.Of
	var err error
	orders := invoices.New(f.Store.Pool())
	if notID == nil {
		found, err = orders.ByID(ctx, id)
	} else {
		found, err = orders.ByInvoice(ctx, name)
	}
	switch {
	case err != nil:
		return orderFacts{}, err
	case len(found) == 1:
		return orderFacts{Of: found[0]}, nil
	case len(found) > 1:
		return orderFacts{}, fmt.Errorf("several orders have the invoice number %q, among them %s and %s: name the order by its id", name, found[0].ID, found[1].ID)
	case notID != nil:
		return orderFacts{}, fmt.Errorf("no order in the mirror has the invoice number %q: name the order by its id, or sync orders first", name)
	}
	return f.askOrder(ctx, id)
}

// askOrder reads the facts from Polar. Nothing is stored.
func (f Fetcher) askOrder(ctx context.Context, id uuid.UUID) (orderFacts, error) {
	path := "/v1/orders/" + id.String()
	body, err := f.Client.Get(ctx, path, nil)
	if err != nil {
		return orderFacts{}, err
	}
	var o struct {
		InvoiceNumber    *string `json:"invoice_number"`
		InvoiceGenerated bool    `json:"is_invoice_generated"`
		ReceiptNumber    *string `json:"receipt_number"`
	}
	if err := jsonv2.Unmarshal(body.Value, &o, jsontext.AllowDuplicateNames(true)); err != nil {
		return orderFacts{}, fmt.Errorf("%w: %s: %w", fetch.ErrContract, path, err)
	}
	facts := orderFacts{asked: true}
	facts.ID, facts.InvoiceGenerated = id, o.InvoiceGenerated
	if o.InvoiceNumber != nil {
		facts.InvoiceNumber = *o.InvoiceNumber
	}
	if o.ReceiptNumber != nil {
		facts.ReceiptNumber = *o.ReceiptNumber
	}
	return facts, nil
}
