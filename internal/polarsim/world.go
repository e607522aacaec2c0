package polarsim

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultNow is the time at which a world's clock starts.
var DefaultNow = time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)

// Options size a world. The same options give the same bytes on the wire.
type Options struct {
	Seed      uint64
	Number    int           // of several organizations: which, as its slug and name say; 0 = it is the only one
	Customers int           // default: a fifth of Orders; 200 when that is not given either
	Orders    int           // exact number of orders; default: six for each customer
	Products  int           // default: the 18 of the fixed catalogue; more are one-time purchases
	Now       time.Time     // simulated clock; default DefaultNow
	NoWebhook bool          // no webhook endpoint; else there is one, made five days before Now, that is told everything
	Named     bool          // nobody is anonymized at random; else half of the customers who are deleted are
	Canaries  bool          // every secret on the wire holds the word canary
	Tick      time.Duration // by how much the clock moves on with each request; 0 = it stands still between writes
	FeedLag   time.Duration // how late events and webhook deliveries may show, each by another time, so that they come out of order; 0 = at once
}

func (o Options) withDefaults() Options {
	if o.Customers <= 0 {
		o.Customers = 200
		if o.Orders > 0 {
			o.Customers = max(1, o.Orders/5)
		}
	}
	if o.Orders <= 0 {
		o.Orders = 6 * o.Customers
	}
	if o.Now.IsZero() {
		o.Now = DefaultNow
	}
	return o
}

// World is one organization with everything in it. Rows are never removed from a table: a row's number is its identity, and a deleted row has
// DeletedAt set. All methods may be called from several goroutines.
type World struct {
	seed uint64
	keys idKeys
	opts Options

	mu             sync.RWMutex // guards everything below
	now            Time
	version        uint64 // counts changes, so that cached selections know when they are stale
	steps          uint64 // calls of Advance so far: each draws from its own random sequence
	org            Organization
	products       []Product
	prices         []Price
	benefits       []Benefit
	customFields   []CustomField
	meters         []Meter
	discounts      []Discount
	customers      []Customer
	members        []Member
	customerMeters []CustomerMeter
	subscriptions  []Subscription
	orders         []Order // sorted by CreatedAt
	payments       []Payment
	refunds        []Refund
	checkouts      []Checkout
	dashboards     []Dashboard
	checkoutLinks  []CheckoutLink
	disputes       []Dispute
	uploads        []Upload     // by number of the file
	seats          map[int]seat // that were given or taken, by the number of their id; all others follow from their owner

	granted    atomic.Pointer[grants] // worked out when asked for
	journal    journal                // what happened: the events
	hooks      webhooks               // endpoints and what they were sent
	worker     worker                 // writes both
	states     sync.Map               // answers of customer state by customer, as a cache of an hour holds them
	selections selections             // sorted and filtered lists, made when asked for

	rotations map[Ref]rotation // of licence keys, by number of the key

	labels map[eventName]typeLabel // of types of events, as changed
}

// NewWorld generates the world that o describes.
func NewWorld(o Options) *World {
	o = o.withDefaults()
	w := &World{seed: o.Seed, keys: newIDKeys(o.Seed), opts: o, rotations: map[Ref]rotation{}, now: At(o.Now)}
	w.generate()
	w.worker.lag = Time(o.FeedLag.Microseconds())
	return w
}

// Now is the simulated time.
func (w *World) Now() time.Time {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.now.GoTime()
}

// tick is the time at which a request comes.
func (w *World) tick() time.Time {
	if w.opts.Tick > 0 {
		w.mu.Lock()
		w.now += Time(w.opts.Tick.Microseconds())
		w.mu.Unlock()
	}
	return w.Now()
}

// OrganizationID is the id of the world's one organization.
func (w *World) OrganizationID() string { return w.id(KindOrganization, 0).String() }

// id of the row with number n; number is its inverse.
func (w *World) id(kind Kind, n int) ID { return w.keys.id(kind, n) }

// stamp is the time of a write. The clock moves on a little, so that later writes have later times.
func (w *World) stamp() Time {
	w.now += 250_003 * microsecond
	w.version++
	return w.now
}

// random returns the random sequence of a purpose. Purposes do not share one, so that a change of one leaves the others alone.
func (w *World) random(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(w.seed), purpose))
}

// Counts tells how many rows a mirror must end up with: of each list what the API would return over all pages, with the customer meters of archived
// meters, and of the lists within their rows (order_items, product_prices, product_benefits, subscription_prices, subscription_meters).
func (w *World) Counts() map[string]int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	counts := map[string]int{
		"organizations": 1, "meters": len(w.meters), "customer_meters": len(w.customerMeters),
		"orders": len(w.orders), "payments": len(w.payments),
	}
	for i := range w.customers {
		if w.customers[i].DeletedAt == 0 {
			counts["customers"]++
		}
	}
	for i := range w.members {
		if w.members[i].DeletedAt == 0 {
			counts["members"]++
		}
	}
	for i := range w.subscriptions {
		if s := &w.subscriptions[i]; s.StartedAt != 0 {
			counts["subscriptions"]++
			counts["subscription_prices"] += len(s.Prices)
			counts["subscription_meters"] += len(s.Meters)
		}
	}
	for i := range w.products {
		if w.products[i].DeletedAt != 0 {
			continue
		}
		counts["products"]++
		counts["product_prices"] += len(w.catalogPrices(Ref(i)))
		counts["product_benefits"] += len(w.liveBenefits(Ref(i)))
	}
	for i := range w.orders {
		counts["order_items"] += len(w.orders[i].Items)
	}
	w.countLists(counts)
	for i := range w.dashboards {
		if !w.dashboards[i].Deleted {
			counts["metric_dashboards"]++
		}
	}
	return counts
}

// countLists counts the rows of those lists that hide some of their table's rows, or have no table.
func (w *World) countLists(counts map[string]int) {
	names := map[string]string{"/v1/discounts/": "discounts", "/v1/benefits/": "benefits", "/v1/checkout-links/": "checkout_links",
		"/v1/custom-fields/": "custom_fields", "/v1/refunds/": "refunds", "/v1/disputes/": "disputes", "/v1/checkouts/": "checkouts",
		"/v1/benefit-grants/": "benefit_grants", "/v1/license-keys/": "license_keys", "/v1/files/": "files"}
	for _, r := range resources() {
		name, counted := names[r.path]
		if !counted {
			continue
		}
		counts[name] = 0
		for n := range Ref(r.rows(w)) {
			if r.shows(w, n) {
				counts[name]++
			}
		}
	}
}
