package metrics

import (
	"iter"
	"slices"
)

// Subscription is what metrics look at of a subscription: its row as it is now. What it was before does not count.
type Subscription struct {
	Customer                        int32
	StartedAt, TrialEnd, CanceledAt Time // StartedAt 0: it counts as started before everything
	End                             Time // when it ended or, if it has not yet, will; 0 = it goes on
	Interval                        string
	IntervalCount                   int
	Amount                          int64 // of a period without tax, in the smallest unit of Currency
	Currency                        string
}

// recurring counts the subscriptions that run at the end of each period and what they bring in a month
// (polarsource/polar, server/polar/metrics/queries.py get_active_subscriptions_cte). The status is not looked at: a paused or past due
// subscription counts until it ends, one without a start (incomplete) from ever, and a trial counts as revenue of its own kind until the period
// in which it ends.
func (v *Values) recurring(t *Tables) {
	n := v.Periods()
	active, committed := v.ints("active_subscriptions"), v.ints("committed_subscriptions")
	mrr, trial := v.ints("monthly_recurring_revenue"), v.ints("trial_monthly_recurring_revenue")
	committedMRR, committedTrial := v.ints("committed_monthly_recurring_revenue"), v.ints("trial_committed_monthly_recurring_revenue")
	foreign := map[plan]*planCounts{}
	var spans []span
	for s := range t.Subscriptions {
		if s.StartedAt > v.last || (s.End != 0 && s.End < v.first) {
			continue
		}
		from, to := 0, n
		if s.StartedAt != 0 {
			from = max(v.index(s.StartedAt), 0)
		}
		if s.End != 0 {
			to = min(v.index(s.End), n)
		}
		if from >= to {
			continue
		}
		paying := from
		if s.TrialEnd != 0 {
			paying = min(max(v.index(s.TrialEnd), from), to)
		}
		add(active, from, to, 1)
		if s.End == 0 {
			add(committed, from, to, 1)
		}
		spans = append(spans, span{s.Customer, int32(from), int32(to)})
		p := plan{s.Currency, s.Interval, s.IntervalCount, s.Amount}
		if p.currency != settlementCurrency {
			if foreign[p] == nil {
				foreign[p] = newPlanCounts(n)
			}
			foreign[p].add(from, paying, to, s.End == 0)
			continue
		}
		amount := p.monthly(p.amount)
		add(trial, from, paying, amount)
		add(mrr, paying, to, amount)
		if s.End == 0 {
			add(committedTrial, from, paying, amount)
			add(committedMRR, paying, to, amount)
		}
	}
	for _, c := range [][]int64{active, committed, mrr, trial, committedMRR, committedTrial} {
		accumulate(c)
	}
	if len(foreign) > 0 {
		v.convert(foreign, v.rates(t), [4][]int64{mrr, trial, committedMRR, committedTrial})
	}
	customers := countDistinct(spans, n)
	v.int("average_revenue_per_user", func(i int) int64 {
		if customers[i] == 0 {
			return 0
		}
		return roundDiv(mrr[i], customers[i])
	})
}

// plan is what the monthly amount of a subscription follows from. Amounts in other currencies are rounded one by one, at the rate of each period:
// those of one plan are all the same.
type plan struct {
	currency, interval string
	count              int
	amount             int64
}

// monthly is what an amount of a billing interval makes in a month (monthly_amount in polarsource/polar, server/polar/metrics/queries.py).
func (p plan) monthly(amount int64) int64 {
	count := int64(max(p.count, 1))
	switch p.interval {
	case "year":
		return roundDiv(amount, 12*count)
	case "week":
		return roundDiv(amount*52, 12*count)
	case "day":
		return roundDiv(amount*365, 12*count)
	}
	return roundDiv(amount, count)
}

// planCounts are how many subscriptions of a plan count in each period, as differences: see add. Their order is that of convert's columns.
type planCounts [4][]int64

func newPlanCounts(periods int) *planCounts {
	var c planCounts
	for i := range c {
		c[i] = make([]int64, periods+1)
	}
	return &c
}

func (c *planCounts) add(from, paying, to int, committed bool) {
	add(c[0], paying, to, 1)
	add(c[1], from, paying, 1)
	if committed {
		add(c[2], paying, to, 1)
		add(c[3], from, paying, 1)
	}
}

// convert adds up the plans in other currencies.
func (v *Values) convert(foreign map[plan]*planCounts, found map[string]rates, into [4][]int64) {
	for p, counts := range foreign {
		for _, c := range counts {
			accumulate(c)
		}
		for i := range v.Periods() {
			if counts[0][i]+counts[1][i] == 0 {
				continue
			}
			amount := p.monthly(found[p.currency].at(i).of(p.amount))
			for k, c := range counts {
				into[k][i] += c[i] * amount
			}
		}
	}
}

// churn counts the ends of subscriptions (get_churned_subscriptions_cte and get_churn_rate_cte in polarsource/polar, server/polar/metrics/queries.py).
func (v *Values) churn(subscriptions iter.Seq[*Subscription]) {
	churned := v.ints("churned_subscriptions")
	var starts, ends, cancels []Time
	for s := range subscriptions {
		starts = append(starts, s.StartedAt)
		if s.End != 0 {
			ends = append(ends, max(s.End, s.StartedAt))
			if v.holds(s.End) {
				churned[v.index(s.End)]++
			}
		}
		if s.CanceledAt != 0 {
			cancels = append(cancels, s.CanceledAt)
		}
	}
	slices.Sort(starts)
	slices.Sort(ends)
	slices.Sort(cancels)
	// The rate looks back 30 days from the beginning of the period; that of a year looks at the year itself.
	v.float("churn_rate", func(i int) float64 {
		from, to := v.shift(v.starts[i], 0, -30), v.starts[i]
		if v.interval == "year" {
			from, to = v.starts[i], v.shift(v.starts[i], 1, 0)
		}
		running := before(starts, from+1) - before(ends, from+1)
		if running <= 0 {
			return 0
		}
		return float64(before(cancels, to)-before(cancels, from)) / float64(running)
	})
}

// before counts the times earlier than t in a sorted list.
func before(sorted []Time, t Time) int {
	i, _ := slices.BinarySearch(sorted, t)
	return i
}
