package metrics

import "slices"

// Kind is Polar's MetricType: the unit of a value. Currency values are in cents, percentages are fractions of 1.
type Kind string

const (
	Scalar     Kind = "scalar"
	Currency   Kind = "currency"
	SubCent    Kind = "currency_sub_cent"
	Percentage Kind = "percentage"
)

// total says how the value over the whole range follows from those of the periods.
type total uint8

const (
	totalSum   total = iota
	totalLast        // the last period's
	totalRatio       // Σ over / Σ under, as a float
)

// set is a group of metrics that one pass over one table computes.
type set uint8

const (
	setSubscriptions set = 1 << iota
	setOrders
	setCheckouts
	setUnderivable // needs events with costs or assigned seats, which a simulated world does not hold: left out of answers, as nulls are
)

// Def defines a metric.
type Def struct {
	Slug, Name  string
	Kind        Kind
	total       total
	sets        set
	over, under string // of a ratio
}

// defs lists Polar's metrics in the order of its answers (METRICS in polarsource/polar, server/polar/metrics/metrics.py: slugs, display
// names, types and the way totals are made).
var defs = []Def{
	{Slug: "active_subscriptions", Name: "Active Subscriptions", Kind: Scalar, total: totalLast, sets: setSubscriptions},
	{Slug: "committed_subscriptions", Name: "Committed Subscriptions", Kind: Scalar, total: totalLast, sets: setSubscriptions},
	{Slug: "monthly_recurring_revenue", Name: "Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "trial_monthly_recurring_revenue", Name: "Trialing MRR Including Cancelations", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "committed_monthly_recurring_revenue", Name: "Committed Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "trial_committed_monthly_recurring_revenue", Name: "Trialing Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "average_revenue_per_user", Name: "Average Revenue Per User", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "checkouts", Name: "Checkouts", Kind: Scalar, sets: setCheckouts},
	{Slug: "succeeded_checkouts", Name: "Succeeded Checkouts", Kind: Scalar, sets: setCheckouts},
	{Slug: "churned_subscriptions", Name: "Churned Subscriptions", Kind: Scalar, sets: setSubscriptions},
	{Slug: "churn_rate", Name: "Churn Rate", Kind: Percentage, total: totalLast, sets: setSubscriptions},
	{Slug: "seats_total", Name: "Seat Count", Kind: Scalar, total: totalLast, sets: setUnderivable},
	{Slug: "seats_claimed", Name: "Claimed Seats", Kind: Scalar, total: totalLast, sets: setUnderivable},
	{Slug: "seats_pending", Name: "Pending Seats", Kind: Scalar, total: totalLast, sets: setUnderivable},
	{Slug: "seat_customers", Name: "Active Customers", Kind: Scalar, total: totalLast, sets: setUnderivable},
	{Slug: "new_seat_customers", Name: "New Customers", Kind: Scalar, sets: setUnderivable},
	{Slug: "churned_seat_customers", Name: "Churned Customers", Kind: Scalar, sets: setUnderivable},
	{Slug: "orders", Name: "Orders", Kind: Scalar, sets: setOrders},
	{Slug: "revenue", Name: "Revenue", Kind: Currency, sets: setOrders},
	{Slug: "net_revenue", Name: "Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "cumulative_revenue", Name: "Cumulative Revenue", Kind: Currency, total: totalLast, sets: setOrders},
	{Slug: "net_cumulative_revenue", Name: "Net Cumulative Revenue", Kind: Currency, total: totalLast, sets: setOrders},
	{Slug: "costs", Name: "Costs", Kind: SubCent, sets: setUnderivable},
	{Slug: "cumulative_costs", Name: "Cumulative Costs", Kind: SubCent, total: totalLast, sets: setUnderivable},
	{Slug: "average_order_value", Name: "Average Order Value", Kind: Currency, total: totalRatio, sets: setOrders, over: "revenue", under: "orders"},
	{Slug: "net_average_order_value", Name: "Net Average Order Value", Kind: Currency, total: totalRatio, sets: setOrders, over: "net_revenue", under: "orders"},
	{Slug: "cost_per_user", Name: "Cost Per User", Kind: SubCent, sets: setUnderivable},
	{Slug: "active_user_by_event", Name: "Active User (By event)", Kind: Scalar, sets: setUnderivable},
	{Slug: "one_time_products", Name: "One-Time Products", Kind: Scalar, sets: setOrders},
	{Slug: "one_time_products_revenue", Name: "One-Time Products Revenue", Kind: Currency, sets: setOrders},
	{Slug: "one_time_products_net_revenue", Name: "One-Time Products Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "new_subscriptions", Name: "New Subscriptions", Kind: Scalar, sets: setSubscriptions},
	{Slug: "new_subscriptions_revenue", Name: "New Subscriptions Revenue", Kind: Currency, sets: setOrders},
	{Slug: "new_subscriptions_net_revenue", Name: "New Subscriptions Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "renewed_subscriptions", Name: "Renewed Subscriptions", Kind: Scalar, sets: setOrders},
	{Slug: "renewed_subscriptions_revenue", Name: "Renewed Subscriptions Revenue", Kind: Currency, sets: setOrders},
	{Slug: "renewed_subscriptions_net_revenue", Name: "Renewed Subscriptions Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "canceled_subscriptions", Name: "Canceled Subscriptions", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_customer_service", Name: "Canceled Subscriptions - Customer Service", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_low_quality", Name: "Canceled Subscriptions - Low Quality", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_missing_features", Name: "Canceled Subscriptions - Missing Features", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_switched_service", Name: "Canceled Subscriptions - Switched Service", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_too_complex", Name: "Canceled Subscriptions - Too Complex", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_too_expensive", Name: "Canceled Subscriptions - Too Expensive", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_unused", Name: "Canceled Subscriptions - Unused", Kind: Scalar, sets: setSubscriptions},
	{Slug: "canceled_subscriptions_other", Name: "Canceled Subscriptions - Other", Kind: Scalar, sets: setSubscriptions},
	{Slug: "annual_recurring_revenue", Name: "Annual Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "committed_annual_recurring_revenue", Name: "Committed Annual Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "checkouts_conversion", Name: "Checkouts Conversion Rate", Kind: Percentage, total: totalRatio, sets: setCheckouts, over: "succeeded_checkouts", under: "checkouts"},
	{Slug: "ltv", Name: "Lifetime Value", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "gross_margin", Name: "Gross Margin", Kind: Currency, total: totalLast, sets: setUnderivable},
	{Slug: "gross_margin_percentage", Name: "Gross Margin %", Kind: Percentage, total: totalLast, sets: setUnderivable},
	{Slug: "cashflow", Name: "Cashflow", Kind: Currency, sets: setUnderivable},
	{Slug: "average_seats_per_customer", Name: "Average Seats per Customer", Kind: Scalar, total: totalLast, sets: setUnderivable},
	{Slug: "seat_utilization_rate", Name: "Seat Utilization Rate", Kind: Percentage, total: totalLast, sets: setUnderivable},
}

// IsMetric tells whether Polar has a metric.
func IsMetric(slug string) bool {
	return slices.ContainsFunc(defs, func(d Def) bool { return d.Slug == slug })
}

// Choose gives the definitions of the metrics with these slugs, of all where slugs is nil, in Polar's order. Those that a simulated world has nothing
// for are left out.
func Choose(slugs []string) (chosen []*Def) {
	for i := range defs {
		if d := &defs[i]; d.sets&setUnderivable == 0 && (slugs == nil || slices.Contains(slugs, d.Slug)) {
			chosen = append(chosen, d)
		}
	}
	return chosen
}

// usdRates are the fixed rates at which a simulated world settles, in hundredths of a US cent per smallest unit of the currency: a euro cent is
// 1.10 US cents, a penny 1.27, a yen 0.67. Polar settles in US dollars and averages the day's real rates; a currency without one counts as it is.
var usdRates = map[string]int64{"eur": 110, "gbp": 127, "jpy": 67}

// USD converts an amount to US cents, halves away from zero.
func USD(amount int64, currency string) int64 {
	rate, ok := usdRates[currency]
	if !ok {
		return amount
	}
	return roundDiv(amount*rate, 100)
}

// roundDiv divides, rounding halves away from zero as Postgres rounds numeric. b is positive.
func roundDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// ceilDiv divides, rounding up. b is positive.
func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// monthly is what a subscription brings in a month, in US cents (monthly_amount in polarsource/polar, server/polar/metrics/queries.py).
func monthly(s *Subscription) int64 {
	amount, count := USD(s.Amount, s.Currency), int64(max(s.IntervalCount, 1))
	switch s.Interval {
	case "year":
		return roundDiv(amount, 12*count)
	case "week":
		return roundDiv(amount*52, 12*count)
	case "day":
		return roundDiv(amount*365, 12*count)
	}
	return roundDiv(amount, count)
}
