package polarsim

import "math/rand/v2"

// makeUsage makes the customer meters: with usage for metered subscriptions, without for some other customers, and of the archived meter for old ones.
func (g *generator) makeUsage() {
	r := g.random(randUsage)
	for i := range g.customers {
		c := &g.customers[i]
		var wanted [4]bool
		for _, s := range g.subscriptionsOf(Ref(i)) {
			for m := range s.Meters {
				wanted[s.Meters[m].Meter] = true
				g.used(r, s, &s.Meters[m])
			}
			wanted[0] = wanted[0] || s.Product == productPro // its benefit credits the meter
		}
		for m := range g.meters {
			meter := &g.meters[m]
			if m < 3 && !wanted[m] && !chance(r, 80) || m == 3 && (c.CreatedAt > meter.ArchivedAt || !chance(r, 250)) {
				continue
			}
			row := CustomerMeter{Customer: Ref(i), Meter: Ref(m), CreatedAt: min(g.now-second, max(c.CreatedAt, meter.CreatedAt)+Time(r.Int64N(int64(day))))}
			if wanted[m] || chance(r, 300) {
				row.ModifiedAt = min(g.now, row.CreatedAt+Time(r.Int64N(int64(g.now-row.CreatedAt)+1)))
				row.Credited = int64(1000 * r.IntN(4))
				row.Consumed = someUnits(r)
			}
			g.addCustomerMeter(row)
		}
	}
}

// someUnits draws a quantity: usually whole, else with a fraction that a float can just hold.
func someUnits(r *rand.Rand) float64 {
	switch p := r.IntN(100); {
	case p < 70:
		return float64(r.IntN(5000))
	case p < 95:
		return float64(r.IntN(5_000_000)) / 1000
	default:
		return r.Float64() * 1e7
	}
}

// used sets the usage of a subscription's current period on a meter.
func (g *generator) used(r *rand.Rand, s *Subscription, m *SubscriptionMeter) {
	if s.EndedAt != 0 || s.StartedAt == 0 {
		return
	}
	m.Consumed, m.Credited = someUnits(r), int64(500*r.IntN(3))
	m.Amount = g.meterCharge(s, m)
	m.ModifiedAt = min(g.now, s.PeriodStart+Time(r.Int64N(int64(day))))
}
