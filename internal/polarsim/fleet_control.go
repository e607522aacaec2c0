package polarsim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// control answers under /sim/: ?organization=N asks one organization as if it were the only one, and without it
//
//	GET  /sim/stats         how many organizations there are, have been made, and the requests to each
//	POST /sim/churn?n=10    makes changes, spread over those that have been made
//	POST /sim/reset         sets the request counts to zero
func (f *Fleet) control(rw http.ResponseWriter, r *http.Request) {
	if of := r.URL.Query().Get("organization"); of != "" {
		n, err := strconv.Atoi(of)
		if err != nil || n < 1 || n > len(f.each) {
			http.Error(rw, fmt.Sprintf("want ?organization= a number from 1 to %d", len(f.each)), http.StatusBadRequest)
			return
		}
		f.Server(n).ServeHTTP(rw, r)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /sim/stats":
	case "POST /sim/churn":
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n < 1 {
			http.Error(rw, "want ?n= a positive number of changes", http.StatusBadRequest)
			return
		}
		f.Churn(n)
	case "POST /sim/reset":
		for _, n := range f.Made() {
			f.Server(n).Reset()
		}
	default:
		http.Error(rw, "want ?organization= which one", http.StatusBadRequest)
		return
	}
	body, err := json.Marshal(f.stats())
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(rw, http.StatusOK, string(body))
}

// Made are the numbers of the organizations that have been made.
func (f *Fleet) Made() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(slices.Values(f.made))
}

func (f *Fleet) stats() map[string]any {
	requests, sum := map[string]int{}, 0
	for _, n := range f.Made() {
		of := f.Server(n).Requests()
		requests[f.Name(n)], sum = of, sum+of
	}
	return map[string]any{"organizations": len(f.each), "made": len(requests), "requests": sum, "requests_by_organization": requests}
}

// Change calls change as often as that each second, until the context ends.
func Change(ctx context.Context, eachSecond float64, change func()) {
	tick := time.NewTicker(max(1, time.Duration(float64(time.Second)/eachSecond)))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			change()
		case <-ctx.Done():
			return
		}
	}
}
