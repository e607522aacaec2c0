package metrics

import "time"

// Checkout is what metrics look at of a checkout session.
type Checkout struct {
	CreatedAt Time
	OpenedAt  Time // when its page was first shown; 0 = never
	Succeeded bool
}

// openedSince is when Polar began to note whether checkouts are opened: older ones count without.
var openedSince = at(time.Date(2026, 1, 22, 12, 13, 0, 0, time.UTC))

// counts is when a checkout counts; 0 = it does not.
func (c *Checkout) counts() Time {
	if c.OpenedAt == 0 && c.CreatedAt < openedSince {
		return c.CreatedAt
	}
	return c.OpenedAt
}

// sessions counts checkouts when they were opened, if that was within a day before the range or in it
// (polarsource/polar, server/polar/metrics/queries.py get_checkouts_cte).
func (v *Values) sessions(t *Tables) {
	all, succeeded := v.ints("checkouts"), v.ints("succeeded_checkouts")
	dayBefore := v.first - at(time.Unix(24*60*60, 0))
	for c := range t.Checkouts {
		opened := c.counts()
		if c.CreatedAt < dayBefore || c.CreatedAt > v.last || !v.holds(opened) {
			continue
		}
		period := v.index(opened)
		all[period]++
		if c.Succeeded {
			succeeded[period]++
		}
	}
}
