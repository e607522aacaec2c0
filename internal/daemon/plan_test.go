package daemon

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"syncd/internal/cost"
	"syncd/internal/tail"
)

func TestSweepsPerHour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 7, 41, 0, 0, time.UTC)
	for spec, want := range map[string]float64{
		"off": 0, "0 3 * * *": 1.0 / 24, "@every 30s": 120, "@every 6h": 1.0 / 6, "@hourly": 1, "*/10 * * * *": 6, "0 3 * * 1": 1.0 / (7 * 24),
		"0 9-17 * * *": 9.0 / 24,
	} {
		if got, err := sweepsPerHour(spec, time.UTC, now); err != nil || math.Abs(got-want) > 0.02*want {
			t.Errorf("%s: %v an hour, want %v (%v)", spec, got, want, err)
		}
	}
}

func TestPlanArithmetic(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 7, 41, 0, 0, time.UTC)
	costs := []tail.Cost{
		{Sweep: cost.Sweep{Stream: "orders", Rows: 100_000, Requests: 1012, Probes: 1}, Rounds: 1, FeedRounds: 1}, {Sweep: cost.Sweep{Stream: "metrics", Rows: -1, Requests: 7, Probes: 2}},
		{Sweep: cost.Sweep{Stream: "files", Rows: 4, Requests: 1, Probes: 1}},
	}
	at := cadence{map[string]string{"orders": "@every 6h", "metrics": "@every 1h", "files": "off"}, 5 * time.Minute, 5 * time.Second, nil, 10}
	r, err := makePlan(costs, at, time.UTC, now, 500, 250, 240)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Possible || r.Rows != 100_004 || r.SweepRequests != 1020 || r.FirstRequests != 1021 || r.Probes != 4 || math.Abs(r.SweepMinutes-4.25) > 0.01 {
		t.Errorf("%+v", r)
	}
	if want := 1012.0/6 + 7 + 120 + 720; math.Abs(r.PerHour-want) > 0.1 || math.Abs(r.Share-want/30000) > 1e-5 {
		t.Errorf("%v an hour, a share of %v; want %v", r.PerHour, r.Share, want)
	}
	if s := r.Streams[0]; s.FeedFresh != 5 || !strings.HasPrefix(s.Described, "5 s by events, else 5 min") {
		t.Errorf("orders show within %v s, %q", s.FeedFresh, s.Described)
	}
	for i, want := range []float64{300, 3600 + 7.0/4, 0} {
		if got := r.Streams[i].Fresh; math.Abs(got-want) > 0.1 {
			t.Errorf("%s is fresh within %v s, want %v", r.Streams[i].Stream, got, want)
		}
	}
}

// What is proposed in place of a configuration that cannot be met can be.
func TestProposalsCanBeMet(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 7, 41, 0, 0, time.UTC)
	for _, size := range []int{10, 1_000, 20_000, 5_000_000} {
		for _, budget := range []int{2, 10, 50, 250} {
			for _, every := range []string{"@every 1m", "@every 1h", "0 3 * * *"} {
				t.Run(fmt.Sprintf("%d requests, %d a minute, %s", size, budget, every), func(t *testing.T) {
					t.Parallel()
					costs := []tail.Cost{{Sweep: cost.Sweep{Stream: "orders", Requests: size}}, {Sweep: cost.Sweep{Stream: "customers", Requests: size / 3}}, {Sweep: cost.Sweep{Stream: "files", Requests: 1}}}
					at := cadence{map[string]string{"orders": every, "customers": every, "files": every}, time.Minute, 5 * time.Second, nil, 10}
					rate := 0.97 * float64(budget)
					r, err := makePlan(costs, at, time.UTC, now, 500, budget, rate)
					if err != nil {
						t.Fatal(err)
					}
					if r.Possible != (r.PerHour <= headroom*rate*60) {
						t.Fatalf("%+v", r)
					}
					if r.Possible {
						return
					}
					p, err := propose(costs, at, time.UTC, now, r)
					if err != nil {
						t.Fatal(err)
					}
					if p.Feed == "off" {
						at.feed = 0
					}
					for stream, spec := range p.Schedules {
						at.schedules[stream] = spec
					}
					if p.Tail != "" {
						if at.tail, err = time.ParseDuration(p.Tail); err != nil {
							t.Fatal(err)
						}
					}
					if p.Budget > 0 {
						for stream := range at.schedules {
							at.schedules[stream] = "@every 168h"
						}
						budget, rate = p.Budget, 0.97*float64(p.Budget)
						at.tail, at.feed = time.Hour, 0
					}
					if r, err = makePlan(costs, at, time.UTC, now, 500, budget, rate); err != nil || !r.Possible {
						t.Errorf("%+v is proposed and asks for %.1f an hour where %.1f can be had: %v", p, r.PerHour, headroom*rate*60, err)
					}
				})
			}
		}
	}
}
