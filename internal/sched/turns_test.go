package sched

import (
	"fmt"
	"testing"
	"time"
)

// day takes turns for a day of rounds, and returns how long each job waited at most, and the requests that were spent.
func day(allowance float64, every time.Duration, jobs []Turn) (longest map[string]time.Duration, spent int) {
	longest = map[string]time.Duration{}
	ran := map[string]time.Duration{}
	var ts Turns
	for now := every; now <= 24*time.Hour; now += every {
		for i := range jobs {
			jobs[i].Age = now - ran[jobs[i].Name]
		}
		for _, name := range ts.Next(allowance, jobs) {
			for _, j := range jobs {
				if j.Name == name {
					longest[name], ran[name], spent = max(longest[name], j.Age), now, spent+j.Cost
				}
			}
		}
	}
	return longest, spent
}

// What costs little has its turn in every round, and what costs much is not forgotten over it.
func TestTurnsOfADay(t *testing.T) {
	t.Parallel()
	const round = 5 * time.Minute
	var even []Turn
	for i := range 30 {
		even = append(even, Turn{Name: fmt.Sprint(i), Cost: 50})
	}
	for name, test := range map[string]struct {
		allowance float64
		jobs      []Turn
		within    map[string]time.Duration
	}{
		"5,000 customers": {110, []Turn{{"files", 2, 0}, {"metrics", 7, 0}, {"license_keys", 20, 0}, {"customer_seats", 962, 0}},
			map[string]time.Duration{"files": round, "metrics": round, "license_keys": round, "customer_seats": 65 * time.Minute}},
		"one page":             {10, []Turn{{"a", 1, 0}}, map[string]time.Duration{"a": round}},
		"more than is to have": {100, even, map[string]time.Duration{"0": 15 * round, "29": 15 * round}},
		"hardly anything":      {0.5, []Turn{{"a", 1, 0}, {"b", 30, 0}}, map[string]time.Duration{"a": 8 * round, "b": 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, spent := day(test.allowance, round, test.jobs)
			if rounds := float64(24 * time.Hour / round); float64(spent) > rounds*test.allowance {
				t.Errorf("%d requests, where %v may be spent", spent, rounds*test.allowance)
			}
			foreseen := ForeseeTurns(test.allowance, round, test.jobs)
			for job, within := range test.within {
				if got[job] == 0 || got[job] > within {
					t.Errorf("%s waits for %v, want %v at most", job, got[job], within)
				}
				if job != "b" && (got[job] > foreseen[job] || foreseen[job] > within) {
					t.Errorf("%s waits for %v, and %v was foreseen", job, got[job], foreseen[job])
				}
			}
		})
	}
	if got := ForeseeTurns(0, round, even); len(got) > 0 {
		t.Errorf("turns without requests: %v", got)
	}
	if got := ForeseeTurns(100, 0, even); len(got) > 0 {
		t.Errorf("turns without rounds: %v", got)
	}
}
