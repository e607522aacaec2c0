package sched

import (
	"cmp"
	"slices"
	"time"
)

// Turns gives out an allowance of requests to jobs that wait for one: the job that has waited longest for each request that it
// costs goes next. So a job of one request has its turn in every round, and one of hundreds as often as what is left allows.
//
// A job that costs more than there is left is saved up for, and jobs behind it wait. It is used by one goroutine.
type Turns struct{ saved float64 }

// Turn is a job that waits for its turn.
type Turn struct {
	Name string
	Cost int           // in requests
	Age  time.Duration // since it last ran
}

// due is how long a job has waited for each of its requests.
func (t Turn) due() float64 { return float64(t.Age) / float64(max(1, t.Cost)) }

// Next returns the jobs that go next, with the allowance of one round. What is not spent is saved, at most as much as all
// of them need.
func (ts *Turns) Next(allowance float64, waiting []Turn) (names []string) {
	order := slices.SortedStableFunc(slices.Values(waiting), func(a, b Turn) int {
		return cmp.Or(cmp.Compare(b.due(), a.due()), cmp.Compare(a.Name, b.Name))
	})
	all := 0.0
	for _, t := range order {
		all += float64(t.Cost)
	}
	ts.saved = min(ts.saved+allowance, max(allowance, all))
	for _, t := range order {
		if float64(t.Cost) > ts.saved {
			break
		}
		ts.saved -= float64(t.Cost)
		names = append(names, t.Name)
	}
	return names
}

// foreseen is for how long ForeseeTurns looks ahead.
const foreseen = 14 * 24 * time.Hour

// ForeseeTurns returns how long each job waits for its turn at most, if a round comes every so often and all costs stay the same.
// A job is missing that has none within a week.
func ForeseeTurns(allowance float64, every time.Duration, jobs []Turn) map[string]time.Duration {
	jobs = slices.Clone(jobs)
	longest := map[string]time.Duration{}
	if every <= 0 || allowance <= 0 {
		return longest
	}
	var ts Turns
	for now := time.Duration(0); now < foreseen; now += every {
		next := ts.Next(allowance, jobs)
		for i := range jobs {
			if t := &jobs[i]; slices.Contains(next, t.Name) {
				if now >= foreseen/2 { // by then they have found their rhythm
					longest[t.Name] = max(longest[t.Name], t.Age)
				}
				t.Age = 0
			}
			jobs[i].Age += every
		}
	}
	return longest
}
