package metrics

import (
	"cmp"
	"slices"
)

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
