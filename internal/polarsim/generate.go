package polarsim

import "math/rand/v2"

// Purposes of random sequences.
const (
	randCatalogue uint64 = iota + 1
	randCustomers
	randQuota
	randOrders
	randPayments
	randUsage
	randDepartures
	randAfter
	randAdvance uint64 = 1 << 32 // plus the step
)

// generator makes the rows of a new world.
type generator struct {
	*World
	start  Time // when the organization was created
	quotas []int32
	items  []Item // slab from which orders take their items
	draw   *rand.Rand
}

// generate fills an empty world.
func (w *World) generate() {
	g := &generator{World: w, start: w.now - 3*365*day - 210*day}
	g.makeCatalogue()
	g.makeCustomers()
	g.shareOutOrders()
	g.makeSales()
	g.invoiceAndPay()
	g.deleteCustomers()
	g.makeUsage()
	g.makeDashboards()
	g.makeDisputesAndOpenCheckouts()
	g.makeFiles()
	g.makeEndpoint()
}

// chance is true p times in 1000.
func chance(r *rand.Rand, p int) bool { return r.IntN(1000) < p }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// shareOutOrders shares out the orders among the customers: a seventh get none, a few get many. The sum is exact.
func (g *generator) shareOutOrders() {
	r := g.random(randQuota)
	weights := make([]int64, len(g.customers))
	var sum int64
	for i := range weights {
		switch p := r.IntN(100); {
		case p < 14 && len(weights) > 3:
		case p < 90:
			weights[i] = int64(1 + r.IntN(20))
		default:
			weights[i] = int64(20 + r.IntN(60))
		}
		sum += weights[i]
	}
	if sum == 0 {
		weights[0], sum = 1, 1
	}
	g.quotas = make([]int32, len(weights))
	var upTo, given int64
	for i, wt := range weights {
		upTo += wt
		share := int64(g.opts.Orders)*upTo/sum - given
		given += share
		g.quotas[i] = int32(share)
	}
}

// takeItems appends items to the slab and returns them as a slice of their own.
func (g *generator) takeItems(items ...Item) []Item {
	if cap(g.items)-len(g.items) < len(items) {
		g.items = make([]Item, 0, max(len(items), min(16_384, g.opts.Orders)))
	}
	n := len(g.items)
	g.items = append(g.items, items...)
	return g.items[n:len(g.items):len(g.items)]
}
