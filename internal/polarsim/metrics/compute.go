package metrics

import (
	"cmp"
	"iter"
	"slices"
)

// Subscription is what metrics look at of a subscription.
type Subscription struct {
	Customer                                   int32
	CreatedAt, StartedAt, TrialEnd, CanceledAt Time
	End                                        Time // when it ended or, if it has not yet, will; 0 = it goes on
	CancellationReason                         string
	Interval                                   string
	IntervalCount                              int
	Amount                                     int64 // of a period, in the smallest unit of Currency
	Currency                                   string
}

// Order is what metrics look at of an order that was paid, refunded later or not.
type Order struct {
	CreatedAt    Time
	Net          int64 // in the smallest unit of Currency
	Fee          int64 // US cents
	Returned     int64 // what Returned gives for its refunds: US cents, not above 0
	Currency     string
	Subscription int32 // number of its subscription; below 0 = none
}

// Dispute is what metrics look at of money that a bank took back, or gave back.
type Dispute struct {
	At     Time
	Amount int64 // what Returned gives for it, less the bank's fee: US cents, below 0 when taken
}

// Checkout is what metrics look at of a checkout session.
type Checkout struct {
	CreatedAt Time
	Succeeded bool
}

// recurring counts the subscriptions that run at the end of each period and what they bring in a month
// (polarsource/polar, server/polar/metrics/queries.py get_active_subscriptions_cte). The status is not looked at: a paused or past due
// subscription counts until it ends, one without a start (incomplete) from ever, and a trial counts as revenue of its own kind until the period
// in which it ends.
func (v *Values) recurring(subscriptions iter.Seq[*Subscription]) {
	n := v.Periods()
	active, committed := v.ints("active_subscriptions"), v.ints("committed_subscriptions")
	mrr, trial := v.ints("monthly_recurring_revenue"), v.ints("trial_monthly_recurring_revenue")
	committedMRR, committedTrial := v.ints("committed_monthly_recurring_revenue"), v.ints("trial_committed_monthly_recurring_revenue")
	var spans []span
	for s := range subscriptions {
		end := s.End
		if s.StartedAt > v.last || (end != 0 && end < v.first) {
			continue
		}
		from, to := 0, n
		if s.StartedAt != 0 {
			from = max(v.index(s.StartedAt), 0)
		}
		if end != 0 {
			to = min(v.index(end), n)
		}
		if from >= to {
			continue
		}
		amount, paying := monthly(s), from
		if s.TrialEnd != 0 {
			paying = min(max(v.index(s.TrialEnd), from), to)
		}
		add(active, from, to, 1)
		add(trial, from, paying, amount)
		add(mrr, paying, to, amount)
		if end == 0 {
			add(committed, from, to, 1)
			add(committedTrial, from, paying, amount)
			add(committedMRR, paying, to, amount)
		}
		spans = append(spans, span{s.Customer, int32(from), int32(to)})
	}
	for _, c := range [][]int64{active, committed, mrr, trial, committedMRR, committedTrial} {
		accumulate(c)
	}
	customers := countDistinct(spans, n)
	v.int("average_revenue_per_user", func(i int) int64 {
		if customers[i] == 0 {
			return 0
		}
		return roundDiv(mrr[i], customers[i])
	})
}

// add and accumulate make a column of running sums: add notes the difference at both ends of a span of periods, accumulate sums them up.
func add(differences []int64, from, to int, amount int64) {
	differences[from] += amount
	differences[to] -= amount
}

func accumulate(differences []int64) {
	var sum int64
	for i, d := range differences {
		sum += d
		differences[i] = sum
	}
}

// span is the periods in which a customer has a subscription.
type span struct {
	customer int32
	from, to int32
}

// countDistinct counts the customers of each period.
func countDistinct(spans []span, n int) []int64 {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.from, b.from))
	})
	counts := make([]int64, n+1)
	for i, s := range spans {
		if i > 0 && spans[i-1].customer == s.customer {
			s.from = max(s.from, spans[i-1].to)
			s.to = max(s.to, spans[i-1].to)
			spans[i].to = s.to
		}
		add(counts, int(s.from), int(s.to), 1)
	}
	accumulate(counts)
	return counts
}

// cancellationReasons are the slugs' endings; a cancellation without a reason counts as other.
var cancellationReasons = []string{"customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive", "unused", "other"}

// churn counts beginnings, cancellations and ends of subscriptions. Sources in polarsource/polar: server/polar/metrics/queries.py
// (get_churned_subscriptions_cte, get_churn_rate_cte), server/tinybird/endpoints/metrics_cancellations.pipe and metrics_events.pipe.
func (v *Values) churn(subscriptions iter.Seq[*Subscription]) {
	created, canceled, churned := v.ints("new_subscriptions"), v.ints("canceled_subscriptions"), v.ints("churned_subscriptions")
	reasons := map[string][]int64{}
	for _, r := range cancellationReasons {
		reasons[r] = v.ints("canceled_subscriptions_" + r)
	}
	var starts, ends, cancels []Time
	for s := range subscriptions {
		end := s.End
		// A subscription that ends in the period of its creation is not new. The first period counts whole, unlike elsewhere.
		if s.StartedAt != 0 && s.CreatedAt >= v.starts[0] && s.CreatedAt <= v.lastSecond() && (end == 0 || v.index(end) > v.index(s.CreatedAt)) {
			created[v.index(s.CreatedAt)]++
		}
		if end != 0 && v.holds(end) {
			churned[v.index(end)]++
		}
		starts = append(starts, s.StartedAt)
		if end != 0 {
			ends = append(ends, max(end, s.StartedAt))
		}
		if s.CanceledAt == 0 {
			continue
		}
		cancels = append(cancels, s.CanceledAt)
		if s.CanceledAt >= v.first && s.CanceledAt < v.lastSecond() {
			period := v.index(s.CanceledAt)
			canceled[period]++
			if reason := reasons[s.CancellationReason]; reason != nil {
				reason[period]++
			} else if s.CancellationReason == "" {
				reasons["other"][period]++
			}
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

// sales counts what was paid for, in US cents: revenue is the orders' net amount, net revenue that less Polar's fee and refunds, both counted when
// the order was made, and less disputes, counted when they happened (polarsource/polar, server/tinybird/endpoints/metrics_events.pipe and
// metrics_revenue.pipe). An order of a subscription is new in the period in which the subscription started, else a renewal.
func (v *Values) sales(paid iter.Seq[*Order], disputes iter.Seq[*Dispute], started func(subscription int32) Time) {
	orders, revenue, net := v.ints("orders"), v.ints("revenue"), v.ints("net_revenue")
	once, onceRevenue, onceNet := v.ints("one_time_products"), v.ints("one_time_products_revenue"), v.ints("one_time_products_net_revenue")
	newRevenue, newNet := v.ints("new_subscriptions_revenue"), v.ints("new_subscriptions_net_revenue")
	renewed, renewedRevenue, renewedNet := v.ints("renewed_subscriptions"), v.ints("renewed_subscriptions_revenue"), v.ints("renewed_subscriptions_net_revenue")
	sold, kept := make([]int64, v.Periods()), make([]int64, v.Periods()) // as revenue and net, of the orders counted
	var pastRevenue, pastNet int64
	var lastRenewal []int32 // by subscription: the last period, plus one, in which it was counted as renewed
	for o := range paid {
		if o.CreatedAt > v.last {
			continue
		}
		amount := Settled(o.Net, o.Currency)
		rest := amount - o.Fee + o.Returned
		if o.CreatedAt < v.first {
			pastRevenue += amount
			pastNet += rest
			continue
		}
		period := v.index(o.CreatedAt)
		revenue[period] += amount
		net[period] += rest
		if o.CreatedAt > v.lastSecond() {
			continue
		}
		orders[period]++
		sold[period] += amount
		kept[period] += rest
		switch {
		case o.Subscription < 0:
			once[period]++
			onceRevenue[period] += amount
			onceNet[period] += rest
		case started(o.Subscription) == 0: // neither
		case v.index(started(o.Subscription)) == period:
			newRevenue[period] += amount
			newNet[period] += rest
		default:
			renewedRevenue[period] += amount
			renewedNet[period] += rest
			if int(o.Subscription) >= len(lastRenewal) {
				lastRenewal = append(lastRenewal, make([]int32, int(o.Subscription)+1)...)
			}
			if lastRenewal[o.Subscription] != int32(period)+1 {
				lastRenewal[o.Subscription] = int32(period) + 1
				renewed[period]++
			}
		}
	}
	pastNet += v.disputed(disputes, net)
	v.int("cumulative_revenue", func(i int) int64 { pastRevenue += revenue[i]; return pastRevenue })
	v.int("net_cumulative_revenue", func(i int) int64 { pastNet += net[i]; return pastNet })
	average := func(sum []int64) func(int) int64 {
		return func(i int) int64 {
			if orders[i] == 0 {
				return 0
			}
			return ceilDiv(sum[i], orders[i])
		}
	}
	v.int("average_order_value", average(sold))
	v.int("net_average_order_value", average(kept))
}

// disputed adds disputes to the net revenue of periods, and gives the sum of those of before.
func (v *Values) disputed(disputes iter.Seq[*Dispute], net []int64) (past int64) {
	for d := range disputes {
		switch {
		case d.At > v.lastSecond():
		case d.At < v.first:
			past += d.Amount
		default:
			net[v.index(d.At)] += d.Amount
		}
	}
	return past
}

// sessions counts checkouts (polarsource/polar, server/polar/metrics/queries.py get_checkouts_cte). Polar counts one when its page is first
// opened; every simulated one is opened at once.
func (v *Values) sessions(checkouts iter.Seq[*Checkout]) {
	all, succeeded := v.ints("checkouts"), v.ints("succeeded_checkouts")
	for c := range checkouts {
		if !v.holds(c.CreatedAt) {
			continue
		}
		period := v.index(c.CreatedAt)
		all[period]++
		if c.Succeeded {
			succeeded[period]++
		}
	}
}
