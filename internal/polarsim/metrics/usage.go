package metrics

import "iter"

// Event is what metrics look at of an event, of the system's or of a user's.
type Event struct {
	At       Time
	Customer int32   // below 0 = nobody's
	External bool    // it came with the customer's id in the organization's own system, instead of Polar's
	Cost     float64 // US cents
}

// usage sums up what events cost and counts who has any (polarsource/polar, server/tinybird/endpoints/metrics_costs.pipe). A customer whose events come
// with either id counts twice.
func (v *Values) usage(events iter.Seq[*Event]) {
	n := v.Periods()
	costs, users := make([]float64, n), v.ints("active_user_by_event")
	seen := make([][]bool, n) // by period, twice the customer and one more where External
	var past float64
	for e := range events {
		if e.At > v.last {
			continue
		}
		if e.At < v.first {
			past += e.Cost
			continue
		}
		period := v.index(e.At)
		if e.At <= v.lastSecond() {
			costs[period] += e.Cost
		}
		if e.Customer < 0 {
			continue
		}
		who := 2 * int(e.Customer)
		if e.External {
			who++
		}
		if who >= len(seen[period]) {
			seen[period] = append(seen[period], make([]bool, who+1)...)
		}
		if !seen[period][who] {
			seen[period][who] = true
			users[period]++
		}
	}
	v.float("costs", func(i int) float64 { return costs[i] })
	v.float("cumulative_costs", func(i int) float64 { past += costs[i]; return past })
	v.float("cost_per_user", func(i int) float64 { return share(costs[i], float64(users[i])) })
}
