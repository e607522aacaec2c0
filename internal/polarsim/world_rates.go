package polarsim

import (
	"math"

	"syncd/internal/polarsim/metrics"
)

// usdBase is what a currency is worth in the mean: US cents for one smallest unit, in millionths. 0: the currency counts as it is.
func usdBase(currency string) int64 {
	switch currency {
	case "eur":
		return 1_080_000
	case "gbp":
		return 1_270_000
	case "jpy":
		return 672_000
	}
	return 0
}

// rateAt is the rate at which an amount of a currency is settled at a time, in millionths. It is another one each day (UTC): it swings by 6% within nine
// months, and a day by another half percent. Whole numbers only, so that it is the same on every machine.
func rateAt(currency string, at Time) int64 {
	base := usdBase(currency)
	if base == 0 {
		return metrics.RateUnit
	}
	const period, swing, noise = 280, 60_000, 5_000
	date := int64(at / day)
	wave := (date + base/1000) % period // the currencies do not swing together
	if wave > period/2 {
		wave = period - wave
	}
	draw := mix(uint64(date)<<24 ^ uint64(base))
	return base * (metrics.RateUnit - swing + wave*4*swing/period - noise + int64(draw%(2*noise+1))) / metrics.RateUnit
}

// converted is an amount in US cents, at a rate in millionths.
func converted(amount, rate int64) int64 {
	if amount < 0 {
		return -converted(-amount, rate)
	}
	return (amount*rate + metrics.RateUnit/2) / metrics.RateUnit
}

// creditRate is the rate that an order is counted at which nobody paid: that of the last payment in its currency within 30 days before it; 0 = there
// is none (polarsource/polar, server/polar/order/service.py).
func (w *World) creditRate(n Ref, now Time) int64 {
	o := &w.orders[n]
	if o.Net() == 0 {
		return 0
	}
	for i := n - 1; i >= 0 && w.orders[i].CreatedAt >= o.CreatedAt-30*day; i-- {
		if paid := &w.orders[i]; paid.Currency == o.Currency && paid.PaidAt != 0 && paid.PaidAt <= now && paid.CreatedAt < o.CreatedAt {
			return rateAt(paid.Currency, paid.PaidAt)
		}
	}
	return 0
}

// netAmount is what a period of a subscription costs without the tax that is in it. No list shows it: it follows from the last charge
// (polarsource/polar, server/polar/models/subscription.py).
func (w *World) netAmount(s *Subscription) int64 {
	amount := w.amountOf(s)
	if s.ChargedTax == 0 {
		return amount
	}
	return int64(math.RoundToEven(float64(amount) * float64(s.ChargedNet) / float64(s.ChargedNet+s.ChargedTax)))
}

// amountOf is what a period of a subscription costs after its discount.
func (w *World) amountOf(s *Subscription) int64 {
	if s.Amount == 0 || !w.discountApplies(s) {
		return s.Amount
	}
	return s.Amount - w.discounts[s.Discount].AmountOff(s.Amount, s.Currency)
}

// taxInclusive tells whether a price has the tax in it: as it says, else by the customer's country.
func (w *World) taxInclusive(price Ref, a *Address) bool {
	if price != None && (w.prices[price].TaxBehavior == "inclusive" || w.prices[price].TaxBehavior == "exclusive") {
		return w.prices[price].TaxBehavior == "inclusive"
	}
	return a != nil && a.Country != "US" && a.Country != "CA"
}
