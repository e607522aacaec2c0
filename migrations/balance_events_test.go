package migrations_test

import (
	"fmt"
	"strings"
	"testing"
)

// What the stream events has of the balance is in balance_events after the migration; a value of another type is null there, and its
// row is written anew by the first sweep: its digest differs from any.
func TestBalanceEventsAreTakenFromEvents(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	if _, err := provider.UpTo(t.Context(), 52); err != nil {
		t.Fatal(err)
	}
	const id, other = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	for i, c := range []struct{ source, name, metadata, deleted string }{
		{"system", "balance.order", `{"order_id": "` + id + `", "product_id": "` + other + `", "amount": 1200, "fee": 48.0, "currency": "usd", "exchange_rate": 1.0736520000001}`, "NULL"},
		{"system", "balance.refund", `{"order_id": "` + id + `", "product_id": "None", "amount": -5, "order_created_at": "2026-05-22T21:30:30.638461+00:00", "tax_state": null}`, "NULL"},
		{"system", "balance.dispute", `{"order_id": 7, "amount": "many", "fee": 1.5, "order_created_at": "soon", "exchange_rate": "1.1"}`, "NULL"},
		{"system", "balance.order", `{}`, "now()"},
		{"system", "order.paid", `{"order_id": "` + id + `"}`, "NULL"},
		{"user", "balance.order", `{"amount": 1}`, "NULL"},
	} {
		if _, err := conn.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO events (id, timestamp, name, source, metadata, customer_id, _hash, _requested_at, _deleted_at)
			VALUES ('%08d-0000-4000-8000-000000000000', '2026-06-01Z', '%s', '%s', $1, '%s', 'x', '2026-06-02Z', %s)`, i, c.name, c.source, other, c.deleted), c.metadata); err != nil {
			t.Fatal(err)
		}
	}
	up(t, provider)
	got := strings.Join(lines(t, conn, `SELECT concat_ws(' ', name, order_id, product_id, amount, fee, currency, exchange_rate, order_created_at AT TIME ZONE 'UTC', customer_id = '`+other+`', _requested_at = '2026-06-02Z', _hash)
		FROM balance_events ORDER BY id`), "\n")
	want := `balance.order ` + id + ` ` + other + ` 1200 48 usd 1.0736520000001 t t \x
balance.refund ` + id + ` -5 2026-05-22 21:30:30.638461 t t \x
balance.dispute t t \x`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
