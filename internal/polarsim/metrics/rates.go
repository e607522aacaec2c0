package metrics

import (
	"math/bits"
	"slices"
	"time"
)

// settlementCurrency is the currency in which Polar settles, and in which metrics are.
const settlementCurrency = "usd"

// RateUnit is a rate of 1: a smallest unit of the currency is worth a US cent.
const RateUnit = 1_000_000

// Payment is what metrics look at of a payment in another currency than that of the settlement: the rate at which it was settled.
type Payment struct {
	At, OrderAt Time // when it was paid, and when its order was created
	Currency    string
	Rate        int64 // in millionths
	Counts      bool  // the query's filters accept its order
}

// rate is the mean of some payments' rates; that of none is 1.
type rate struct{ sum, payments int64 }

func (r rate) with(p *Payment) rate { return rate{r.sum + p.Rate, r.payments + 1} }

// of converts an amount, halves away from zero, as Postgres rounds numeric.
func (r rate) of(amount int64) int64 {
	if r.payments == 0 {
		return amount
	}
	if amount < 0 {
		return -r.of(-amount)
	}
	unit := uint64(r.payments) * RateUnit
	high, low := bits.Mul64(uint64(amount), uint64(r.sum))
	quotient, rest := bits.Div64(high, low, unit)
	if rest >= unit-rest {
		quotient++
	}
	return int64(quotient)
}

type rates []rate

func (r rates) at(i int) rate {
	if r == nil {
		return rate{}
	}
	return r[i]
}

// rates are those of each period by currency: the mean of the payments whose order was created in the period and that the query is about; where there
// are none, the mean of the nearest day, of all payments in the range
// (get_active_subscriptions_cte in polarsource/polar, server/polar/metrics/queries.py). Of two days as near Polar takes either; here it is the earlier one.
func (v *Values) rates(t *Tables) map[string]rates {
	n := v.Periods()
	found := map[string]rates{}
	for p := range t.Payments {
		if found[p.Currency] == nil {
			found[p.Currency] = make(rates, n)
		}
		if p.Counts && v.holds(p.OrderAt) {
			i := v.index(p.OrderAt)
			found[p.Currency][i] = found[p.Currency][i].with(p)
		}
	}
	lacks := func(r rate) bool { return r.payments == 0 }
	whole := true
	for _, r := range found {
		whole = whole && !slices.ContainsFunc(r, lacks)
	}
	if whole {
		return found
	}
	days := v.days()
	byDay := map[string]rates{}
	for p := range t.Payments {
		if v.holds(p.At) {
			if byDay[p.Currency] == nil {
				byDay[p.Currency] = make(rates, days.Periods())
			}
			i := days.index(p.At)
			byDay[p.Currency][i] = byDay[p.Currency][i].with(p)
		}
	}
	for currency, r := range found {
		for i := range r {
			if lacks(r[i]) {
				r[i] = days.nearest(byDay[currency], v.starts[i])
			}
		}
	}
	return found
}

// days cuts the same range into days.
func (tl *Timeline) days() *Timeline {
	midnight := func(t Time) time.Time {
		y, m, d := time.UnixMicro(int64(t)).In(tl.zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	days := NewTimeline(midnight(tl.first), midnight(tl.last), "day", tl.zone)
	return &days
}

// nearest is the rate of the day whose beginning lies nearest to t, of days with any.
func (tl *Timeline) nearest(byDay rates, t Time) (best rate) {
	i := max(tl.index(t), 0)
	distance := func(k int) Time { return max(t-tl.starts[k], tl.starts[k]-t) }
	near := -1
	for k := min(i, len(byDay)-1); k >= 0 && near < 0; k-- {
		if byDay[k].payments > 0 {
			near = k
		}
	}
	for k := i + 1; k < len(byDay); k++ {
		if byDay[k].payments > 0 {
			if near < 0 || distance(k) < distance(near) {
				near = k
			}
			break
		}
	}
	if near < 0 {
		return rate{}
	}
	return byDay[near]
}
