package polarsim

// metricKind is Polar's MetricType: the unit of a value. Currency values are in cents, percentages are fractions of 1.
type metricKind string

const (
	scalarMetric     metricKind = "scalar"
	currencyMetric   metricKind = "currency"
	subCentMetric    metricKind = "currency_sub_cent"
	percentageMetric metricKind = "percentage"
)

// metricTotal says how the value over the whole range follows from those of the periods.
type metricTotal uint8

const (
	totalSum   metricTotal = iota
	totalLast              // the last period's
	totalRatio             // Σ over / Σ under, as a float
)

// metricSet is a group of metrics that one pass over one table computes.
type metricSet uint8

const (
	setSubscriptions metricSet = 1 << iota
	setOrders
	setCheckouts
	setUnderivable // needs events with costs or assigned seats, which a simulated world does not hold: left out of answers, as nulls are
)

type metricDef struct {
	slug, name  string
	kind        metricKind
	total       metricTotal
	sets        metricSet
	over, under string // of a ratio
}

// metricDefs lists Polar's metrics in the order of its answers (METRICS in polarsource/polar, server/polar/metrics/metrics.py: slugs, display
// names, types and the way totals are made).
var metricDefs = []metricDef{
	{slug: "active_subscriptions", name: "Active Subscriptions", kind: scalarMetric, total: totalLast, sets: setSubscriptions},
	{slug: "committed_subscriptions", name: "Committed Subscriptions", kind: scalarMetric, total: totalLast, sets: setSubscriptions},
	{slug: "monthly_recurring_revenue", name: "Monthly Recurring Revenue", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "trial_monthly_recurring_revenue", name: "Trialing MRR Including Cancelations", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "committed_monthly_recurring_revenue", name: "Committed Monthly Recurring Revenue", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "trial_committed_monthly_recurring_revenue", name: "Trialing Monthly Recurring Revenue", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "average_revenue_per_user", name: "Average Revenue Per User", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "checkouts", name: "Checkouts", kind: scalarMetric, sets: setCheckouts},
	{slug: "succeeded_checkouts", name: "Succeeded Checkouts", kind: scalarMetric, sets: setCheckouts},
	{slug: "churned_subscriptions", name: "Churned Subscriptions", kind: scalarMetric, sets: setSubscriptions},
	{slug: "churn_rate", name: "Churn Rate", kind: percentageMetric, total: totalLast, sets: setSubscriptions},
	{slug: "seats_total", name: "Seat Count", kind: scalarMetric, total: totalLast, sets: setUnderivable},
	{slug: "seats_claimed", name: "Claimed Seats", kind: scalarMetric, total: totalLast, sets: setUnderivable},
	{slug: "seats_pending", name: "Pending Seats", kind: scalarMetric, total: totalLast, sets: setUnderivable},
	{slug: "seat_customers", name: "Active Customers", kind: scalarMetric, total: totalLast, sets: setUnderivable},
	{slug: "new_seat_customers", name: "New Customers", kind: scalarMetric, sets: setUnderivable},
	{slug: "churned_seat_customers", name: "Churned Customers", kind: scalarMetric, sets: setUnderivable},
	{slug: "orders", name: "Orders", kind: scalarMetric, sets: setOrders},
	{slug: "revenue", name: "Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "net_revenue", name: "Net Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "cumulative_revenue", name: "Cumulative Revenue", kind: currencyMetric, total: totalLast, sets: setOrders},
	{slug: "net_cumulative_revenue", name: "Net Cumulative Revenue", kind: currencyMetric, total: totalLast, sets: setOrders},
	{slug: "costs", name: "Costs", kind: subCentMetric, sets: setUnderivable},
	{slug: "cumulative_costs", name: "Cumulative Costs", kind: subCentMetric, total: totalLast, sets: setUnderivable},
	{slug: "average_order_value", name: "Average Order Value", kind: currencyMetric, total: totalRatio, sets: setOrders, over: "revenue", under: "orders"},
	{slug: "net_average_order_value", name: "Net Average Order Value", kind: currencyMetric, total: totalRatio, sets: setOrders, over: "net_revenue", under: "orders"},
	{slug: "cost_per_user", name: "Cost Per User", kind: subCentMetric, sets: setUnderivable},
	{slug: "active_user_by_event", name: "Active User (By event)", kind: scalarMetric, sets: setUnderivable},
	{slug: "one_time_products", name: "One-Time Products", kind: scalarMetric, sets: setOrders},
	{slug: "one_time_products_revenue", name: "One-Time Products Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "one_time_products_net_revenue", name: "One-Time Products Net Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "new_subscriptions", name: "New Subscriptions", kind: scalarMetric, sets: setSubscriptions},
	{slug: "new_subscriptions_revenue", name: "New Subscriptions Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "new_subscriptions_net_revenue", name: "New Subscriptions Net Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "renewed_subscriptions", name: "Renewed Subscriptions", kind: scalarMetric, sets: setOrders},
	{slug: "renewed_subscriptions_revenue", name: "Renewed Subscriptions Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "renewed_subscriptions_net_revenue", name: "Renewed Subscriptions Net Revenue", kind: currencyMetric, sets: setOrders},
	{slug: "canceled_subscriptions", name: "Canceled Subscriptions", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_customer_service", name: "Canceled Subscriptions - Customer Service", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_low_quality", name: "Canceled Subscriptions - Low Quality", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_missing_features", name: "Canceled Subscriptions - Missing Features", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_switched_service", name: "Canceled Subscriptions - Switched Service", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_too_complex", name: "Canceled Subscriptions - Too Complex", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_too_expensive", name: "Canceled Subscriptions - Too Expensive", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_unused", name: "Canceled Subscriptions - Unused", kind: scalarMetric, sets: setSubscriptions},
	{slug: "canceled_subscriptions_other", name: "Canceled Subscriptions - Other", kind: scalarMetric, sets: setSubscriptions},
	{slug: "annual_recurring_revenue", name: "Annual Recurring Revenue", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "committed_annual_recurring_revenue", name: "Committed Annual Recurring Revenue", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "checkouts_conversion", name: "Checkouts Conversion Rate", kind: percentageMetric, total: totalRatio, sets: setCheckouts, over: "succeeded_checkouts", under: "checkouts"},
	{slug: "ltv", name: "Lifetime Value", kind: currencyMetric, total: totalLast, sets: setSubscriptions},
	{slug: "gross_margin", name: "Gross Margin", kind: currencyMetric, total: totalLast, sets: setUnderivable},
	{slug: "gross_margin_percentage", name: "Gross Margin %", kind: percentageMetric, total: totalLast, sets: setUnderivable},
	{slug: "cashflow", name: "Cashflow", kind: currencyMetric, sets: setUnderivable},
	{slug: "average_seats_per_customer", name: "Average Seats per Customer", kind: scalarMetric, total: totalLast, sets: setUnderivable},
	{slug: "seat_utilization_rate", name: "Seat Utilization Rate", kind: percentageMetric, total: totalLast, sets: setUnderivable},
}

func isMetric(slug string) bool {
	for i := range metricDefs {
		if metricDefs[i].slug == slug {
			return true
		}
	}
	return false
}

// usdRates are the fixed rates at which a simulated world settles, in hundredths of a US cent per smallest unit of the currency: a euro cent is
// 1.10 US cents, a penny 1.27, a yen 0.67. Polar settles in US dollars and averages the day's real rates; a currency without one counts as it is.
var usdRates = map[string]int64{"eur": 110, "gbp": 127, "jpy": 67}

// usd converts an amount to US cents, halves away from zero.
func usd(amount int64, currency string) int64 {
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
	amount, count := usd(s.Amount, s.Currency), int64(max(s.IntervalCount, 1))
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
