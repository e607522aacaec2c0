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

// form says how Polar writes the values of a metric as JSON. It follows from what computed them.
type form uint8

const (
	asInt   form = iota
	asFloat      // Postgres' numeric, and what Python divided: with a fraction always, 5.0
	asPlain      // ClickHouse's floats, and what Python added them to: without a fraction where there is none, 5
	asZero       // what Python multiplied after replacing "nothing or zero": 60.0, but 0
)

// total says how the value over the whole range follows from those of the periods.
type total uint8

const (
	totalSum     total = iota
	totalLast          // the last period's
	totalRatio         // Σ over / Σ under, as a float
	totalPerLast       // Σ over / the last period's under, as a float
	totalOther         // the last period's under
)

// set is a group of metrics that one pass over one table computes.
type set uint8

const (
	setSubscriptions set = 1 << iota
	setOrders
	setCheckouts
	setSeats
	setEvents
	setActs
)

// Def defines a metric.
type Def struct {
	Slug, Name  string
	Kind        Kind
	form        form
	total       total
	sets        set      // what has to be gone through for it
	over, under string   // of totals: other metrics, which count as 0 unless they were asked for too
	of          []string // metrics that it is made of in each period, which count as asked for with it (dependencies in metrics.py)
	by          func(of []float64) float64
}

// defs lists Polar's metrics in the order of its answers (METRICS in polarsource/polar, server/polar/metrics/metrics.py: slugs, display
// names, types and the way totals are made).
var defs = []Def{
	{Slug: "active_subscriptions", Name: "Active Subscriptions", Kind: Scalar, total: totalLast, sets: setSubscriptions},
	{Slug: "committed_subscriptions", Name: "Committed Subscriptions", Kind: Scalar, total: totalLast, sets: setSubscriptions},
	{Slug: "monthly_recurring_revenue", Name: "Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asFloat},
	{Slug: "trial_monthly_recurring_revenue", Name: "Trialing MRR Including Cancelations", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asFloat},
	{Slug: "committed_monthly_recurring_revenue", Name: "Committed Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asFloat},
	{Slug: "trial_committed_monthly_recurring_revenue", Name: "Trialing Monthly Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asFloat},
	{Slug: "average_revenue_per_user", Name: "Average Revenue Per User", Kind: Currency, total: totalLast, sets: setSubscriptions},
	{Slug: "checkouts", Name: "Checkouts", Kind: Scalar, sets: setCheckouts},
	{Slug: "succeeded_checkouts", Name: "Succeeded Checkouts", Kind: Scalar, sets: setCheckouts},
	{Slug: "churned_subscriptions", Name: "Churned Subscriptions", Kind: Scalar, sets: setSubscriptions},
	{Slug: "churn_rate", Name: "Churn Rate", Kind: Percentage, total: totalLast, sets: setSubscriptions, form: asFloat},
	{Slug: "seats_total", Name: "Seat Count", Kind: Scalar, total: totalLast, sets: setSeats},
	{Slug: "seats_claimed", Name: "Claimed Seats", Kind: Scalar, total: totalLast, sets: setSeats},
	{Slug: "seats_pending", Name: "Pending Seats", Kind: Scalar, total: totalLast, sets: setSeats},
	{Slug: "seat_customers", Name: "Active Customers", Kind: Scalar, total: totalLast, sets: setSeats},
	{Slug: "new_seat_customers", Name: "New Customers", Kind: Scalar, sets: setSeats},
	{Slug: "churned_seat_customers", Name: "Churned Customers", Kind: Scalar, sets: setSeats},
	{Slug: "orders", Name: "Orders", Kind: Scalar, sets: setOrders},
	{Slug: "revenue", Name: "Revenue", Kind: Currency, sets: setOrders},
	{Slug: "net_revenue", Name: "Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "cumulative_revenue", Name: "Cumulative Revenue", Kind: Currency, total: totalLast, sets: setOrders},
	{Slug: "net_cumulative_revenue", Name: "Net Cumulative Revenue", Kind: Currency, total: totalLast, sets: setOrders},
	{Slug: "costs", Name: "Costs", Kind: SubCent, sets: setEvents, form: asPlain},
	{Slug: "cumulative_costs", Name: "Cumulative Costs", Kind: SubCent, total: totalLast, sets: setEvents, form: asPlain},
	{Slug: "average_order_value", Name: "Average Order Value", Kind: Currency, total: totalRatio, sets: setOrders, over: "revenue", under: "orders"},
	{Slug: "net_average_order_value", Name: "Net Average Order Value", Kind: Currency, total: totalRatio, sets: setOrders, over: "net_revenue", under: "orders"},
	{Slug: "cost_per_user", Name: "Cost Per User", Kind: SubCent, sets: setEvents, form: asPlain, total: totalPerLast, over: "costs", under: "active_subscriptions"},
	{Slug: "active_user_by_event", Name: "Active User (By event)", Kind: Scalar, sets: setEvents, total: totalOther, under: "active_subscriptions"},
	{Slug: "one_time_products", Name: "One-Time Products", Kind: Scalar, sets: setOrders},
	{Slug: "one_time_products_revenue", Name: "One-Time Products Revenue", Kind: Currency, sets: setOrders},
	{Slug: "one_time_products_net_revenue", Name: "One-Time Products Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "new_subscriptions", Name: "New Subscriptions", Kind: Scalar, sets: setActs},
	{Slug: "new_subscriptions_revenue", Name: "New Subscriptions Revenue", Kind: Currency, sets: setOrders},
	{Slug: "new_subscriptions_net_revenue", Name: "New Subscriptions Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "renewed_subscriptions", Name: "Renewed Subscriptions", Kind: Scalar, sets: setOrders},
	{Slug: "renewed_subscriptions_revenue", Name: "Renewed Subscriptions Revenue", Kind: Currency, sets: setOrders},
	{Slug: "renewed_subscriptions_net_revenue", Name: "Renewed Subscriptions Net Revenue", Kind: Currency, sets: setOrders},
	{Slug: "canceled_subscriptions", Name: "Canceled Subscriptions", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_customer_service", Name: "Canceled Subscriptions - Customer Service", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_low_quality", Name: "Canceled Subscriptions - Low Quality", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_missing_features", Name: "Canceled Subscriptions - Missing Features", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_switched_service", Name: "Canceled Subscriptions - Switched Service", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_too_complex", Name: "Canceled Subscriptions - Too Complex", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_too_expensive", Name: "Canceled Subscriptions - Too Expensive", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_unused", Name: "Canceled Subscriptions - Unused", Kind: Scalar, sets: setActs},
	{Slug: "canceled_subscriptions_other", Name: "Canceled Subscriptions - Other", Kind: Scalar, sets: setActs},
	{Slug: "annual_recurring_revenue", Name: "Annual Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asZero,
		of: []string{"monthly_recurring_revenue"}, by: yearly},
	{Slug: "committed_annual_recurring_revenue", Name: "Committed Annual Recurring Revenue", Kind: Currency, total: totalLast, sets: setSubscriptions, form: asZero,
		of: []string{"committed_monthly_recurring_revenue"}, by: yearly},
	{Slug: "checkouts_conversion", Name: "Checkouts Conversion Rate", Kind: Percentage, total: totalRatio, sets: setCheckouts, over: "succeeded_checkouts", under: "checkouts", form: asFloat,
		of: []string{"succeeded_checkouts", "checkouts"}, by: ratio},
	{Slug: "ltv", Name: "Lifetime Value", Kind: Currency, total: totalLast, sets: setSubscriptions | setEvents,
		of: []string{"average_revenue_per_user", "cost_per_user", "churn_rate"}, by: lifetime},
	{Slug: "gross_margin", Name: "Gross Margin", Kind: Currency, total: totalLast, sets: setOrders | setEvents, form: asPlain,
		of: []string{"cumulative_revenue", "cumulative_costs"}, by: difference},
	{Slug: "gross_margin_percentage", Name: "Gross Margin %", Kind: Percentage, total: totalLast, sets: setOrders | setEvents, form: asFloat,
		of: []string{"cumulative_revenue", "cumulative_costs"}, by: margin},
	{Slug: "cashflow", Name: "Cashflow", Kind: Currency, sets: setOrders | setEvents, form: asPlain,
		of: []string{"revenue", "costs"}, by: difference},
	{Slug: "average_seats_per_customer", Name: "Average Seats per Customer", Kind: Scalar, total: totalLast, sets: setSeats, form: asFloat,
		of: []string{"seats_total", "seat_customers"}, by: ratio},
	{Slug: "seat_utilization_rate", Name: "Seat Utilization Rate", Kind: Percentage, total: totalLast, sets: setSeats, form: asFloat,
		of: []string{"seats_claimed", "seats_total"}, by: ratio},
}

func yearly(x []float64) float64     { return 12 * x[0] }
func ratio(x []float64) float64      { return share(x[0], x[1]) }
func difference(x []float64) float64 { return x[0] - x[1] }
func margin(x []float64) float64     { return share(x[0]-x[1], x[0]) }
func lifetime(x []float64) float64   { return max(0, share(x[0]-x[1], x[2])) }

// IsMetric tells whether Polar has a metric.
func IsMetric(slug string) bool {
	return slices.ContainsFunc(defs, func(d Def) bool { return d.Slug == slug })
}

// Choose gives the definitions of the metrics with these slugs, of all where slugs is nil, in Polar's order.
func Choose(slugs []string) (chosen []*Def) {
	for i := range defs {
		if d := &defs[i]; slugs == nil || slices.Contains(slugs, d.Slug) {
			chosen = append(chosen, d)
		}
	}
	return chosen
}

// share divides; a share of nothing is 0.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
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
