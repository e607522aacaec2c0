package polarsim

import (
	"cmp"
	"runtime"
	"slices"
	"testing"
)

func TestWorldHasExactlyTheOrdersAskedFor(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Seed: 1}, {Seed: 2, Customers: 1, Orders: 1}, {Seed: 3, Customers: 3}, {Seed: 4, Orders: 5000}, {Seed: 5, Customers: 700, Products: 230}} {
		w := NewWorld(o)
		want := o.withDefaults()
		if len(w.orders) != want.Orders || len(w.customers) != want.Customers {
			t.Errorf("%+v: %d customers and %d orders, want %d and %d", o, len(w.customers), len(w.orders), want.Customers, want.Orders)
		}
		if !slices.IsSortedFunc(w.orders, func(a, b Order) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) }) {
			t.Errorf("%+v: orders are not sorted by time", o)
		}
		for i := range w.orders {
			if o := &w.orders[i]; o.CreatedAt > w.now || o.ModifiedAt > w.now || o.ModifiedAt != 0 && o.ModifiedAt < o.CreatedAt {
				t.Fatalf("order %d: created %s, modified %s, now %s", i, o.CreatedAt, o.ModifiedAt, w.now)
			}
		}
	}
}

func TestWorldIsVaried(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 1000})
	seen := map[string]int{}
	for i := range w.orders {
		o := &w.orders[i]
		seen["order "+o.Status]++
		seen["order "+o.Reason]++
		seen["order "+o.Currency]++
		if o.Discount != None {
			seen["order discount"]++
		}
		if o.Balance < 0 {
			seen["order balance"]++
		}
	}
	for i := range w.subscriptions {
		s := &w.subscriptions[i]
		seen["subscription "+s.Status]++
		if s.CancelAtPeriodEnd && s.Status == SubActive {
			seen["subscription canceling"]++
		}
		if s.CancellationReason != "" {
			seen["subscription reason"]++
		}
		if s.PendingAppliesAt != 0 {
			seen["subscription pending update"]++
		}
		if s.StartedAt != 0 && s.StartedAt < s.CreatedAt {
			seen["subscription backdated"]++
		}
	}
	for i := range w.payments {
		seen["payment "+w.payments[i].Status]++
		seen["payment "+w.payments[i].Method]++
	}
	for i := range w.customers {
		if w.customers[i].DeletedAt != 0 {
			seen["customer deleted"]++
		}
	}
	for _, m := range w.customerMeters {
		if w.meters[m.Meter].ArchivedAt != 0 {
			seen["customer meter archived"]++
		}
		if m.ModifiedAt == 0 {
			seen["customer meter untouched"]++
		}
	}
	for _, want := range []string{"order draft", "order pending", "order paid", "order refunded", "order partially_refunded", "order void", "order purchase", "order subscription_create",
		"order subscription_cycle", "order subscription_update", "order usd", "order eur", "order jpy", "order discount", "order balance", "subscription incomplete",
		"subscription incomplete_expired", "subscription trialing", "subscription active", "subscription past_due", "subscription canceled", "subscription unpaid", "subscription paused",
		"subscription canceling", "subscription reason", "subscription pending update", "subscription backdated", "payment pending", "payment succeeded", "payment failed",
		"payment card", "payment link", "customer deleted", "customer meter archived", "customer meter untouched"} {
		if seen[want] == 0 {
			t.Errorf("no %s in the world: %v", want, seen)
		}
	}
}

// A million orders take twenty times this: 720 MB, and seven seconds to make.
func TestOrdersFitInMemory(t *testing.T) {
	const orders, most = 50_000, 900 // bytes an order, with the customers, subscriptions, payments and checkouts around it
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := NewWorld(Options{Seed: 1, Orders: orders})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / orders; used > most {
		t.Errorf("%d bytes an order", used)
	}
	runtime.KeepAlive(w)
}
