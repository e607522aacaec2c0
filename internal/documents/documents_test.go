package documents_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/documents"
	"syncd/internal/fetch"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// through fetches documents of a world through a transport.
func through(t *testing.T, h *worldtest.Harness, polar http.RoundTripper) documents.Fetcher {
	t.Helper()
	m := h.MirrorThrough(t, polar, slog.New(slog.DiscardHandler))
	return documents.Fetcher{Client: m.Client, Store: m.Store, Log: m.Log}
}

// onlyReads lets nothing through but GET, and counts what documents are asked for.
type onlyReads struct {
	asked map[string]*atomic.Int64 // by the end of the path
}

func (o onlyReads) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return nil, errors.New("Polar was asked to do something: " + r.Method)
	}
	for end, n := range o.asked {
		if strings.HasSuffix(r.URL.Path, end) {
			n.Add(1)
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestDocuments(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	polar := onlyReads{map[string]*atomic.Int64{"/invoice": {}, "/receipt": {}}}
	r := through(t, h, polar)
	pick := func(what string, ok func(o map[string]any) bool) (id, number string) {
		t.Helper()
		o := h.First(t, "/v1/orders/", nil, ok)
		number, _ = o["invoice_number"].(string)
		return o["id"].(string), number
	}
	with, number := pick("invoice", func(o map[string]any) bool { return o["is_invoice_generated"] == true })
	without, _ := pick("no invoice", func(o map[string]any) bool { return o["is_invoice_generated"] == false })
	receipted, _ := pick("receipt", func(o map[string]any) bool { return o["receipt_number"] != nil })
	unpaid, _ := pick("no receipt", func(o map[string]any) bool { return o["receipt_number"] == nil })
	ctx := t.Context()
	receipt := func(order string) (documents.Document, error) { return r.Receipt(ctx, order, time.Millisecond) }
	got := func(what string, doc documents.Document, err error, id string) {
		t.Helper()
		if err != nil || doc.Order.String() != id || !strings.HasPrefix(string(doc.PDF), "%PDF-") || !strings.Contains(string(doc.PDF), id) || doc.Number == "" {
			t.Errorf("%s: %+v, %v", what, doc, err)
		}
	}
	none := func(what string, err error, asks int) {
		t.Helper()
		if n := polar.asked["/invoice"].Swap(0) + polar.asked["/receipt"].Swap(0); !errors.Is(err, documents.ErrNoDocument) || n != int64(asks) {
			t.Errorf("%s: %v, asked %d times for the document", what, err, n)
		}
	}

	// From an empty mirror, where only ids are known.
	doc, err := r.Invoice(ctx, with)
	got("invoice", doc, err, with)
	if _, err := r.Invoice(ctx, number); err == nil || !strings.Contains(err.Error(), "sync orders") {
		t.Errorf("by a number that the mirror lacks: %v", err)
	}
	polar.asked["/invoice"].Store(0)
	_, err = r.Invoice(ctx, without)
	none("not generated", err, 0)
	_, err = receipt(unpaid)
	none("not allocated", err, 0)
	doc, err = receipt(receipted) // 202 the first time
	got("receipt", doc, err, receipted)
	if n := polar.asked["/receipt"].Swap(0); n != 2 {
		t.Errorf("asked %d times for a receipt that is rendered", n)
	}
	if _, err := r.Invoice(ctx, "00000000-0000-4000-8000-000000000000"); !errors.Is(err, fetch.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}

	h.SyncAll(t, "orders")
	doc, err = r.Invoice(ctx, number)
	got("by its number", doc, err, with)
	doc, err = receipt(number)
	if err == nil {
		got("receipt by number", doc, err, with)
	} else if !errors.Is(err, documents.ErrNoDocument) {
		t.Error(err)
	}
	// A mirror that lags behind: what it denies, Polar is asked about.
	h.Exec(t, "UPDATE orders SET is_invoice_generated = false, receipt_number = NULL")
	doc, err = r.Invoice(ctx, with)
	got("invoice", doc, err, with)
	doc, err = receipt(receipted)
	got("receipt", doc, err, receipted)
	// A mirror that is ahead of itself: Polar's word counts.
	h.Exec(t, "UPDATE orders SET is_invoice_generated = true, receipt_number = 'R-1'")
	polar.asked["/invoice"].Store(0)
	polar.asked["/receipt"].Store(0)
	_, err = r.Invoice(ctx, without)
	none("not generated", err, 1)
	_, err = receipt(unpaid)
	none("not allocated", err, 1)
	h.Exec(t, "UPDATE orders SET invoice_number = 'twice'")
	if _, err := r.Invoice(ctx, "twice"); err == nil || !strings.Contains(err.Error(), "by its id") {
		t.Errorf("an ambiguous number: %v", err)
	}
}

// rendering never ends here.
type rendering struct{ asked atomic.Int64 }

func (s *rendering) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/receipt") {
		return http.DefaultTransport.RoundTrip(r)
	}
	s.asked.Add(1)
	return &http.Response{StatusCode: http.StatusAccepted, Request: r, Header: http.Header{}, Body: http.NoBody}, nil
}

func TestDocumentsWaitsForAReceiptWithinBounds(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	polar := &rendering{}
	r := through(t, h, polar)
	id := h.First(t, "/v1/orders/", nil, func(o map[string]any) bool { return o["receipt_number"] != nil })["id"].(string)
	if _, err := r.Receipt(t.Context(), id, time.Microsecond); !errors.Is(err, documents.ErrNoDocument) || polar.asked.Load() != 7 {
		t.Errorf("%v after %d questions", err, polar.asked.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.Receipt(ctx, id, time.Minute); !errors.Is(err, context.DeadlineExceeded) { // without its context it would end without a document
		t.Error(err)
	}
}
