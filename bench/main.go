// Command bench measures syncd end to end: the simulated Polar in a process of
// its own, syncd in a process of its own, a private Postgres, all on this machine.
// Figures that depend on the machine are given as ratios of what ran side by side
// within one round. It prints one table; what could not be measured is not in it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// plan says how much is measured.
type plan struct {
	rounds   int
	orders   int           // of a round
	naive    int           // of them, what the naive loop reads
	sizes    []int         // orders of the organizations whose memory and requests are compared
	limited  int           // orders read under Polar's limit; 0 = not measured
	latency  time.Duration // for which changes are made; 0 = not measured
	states   int           // customers among whom the state of one is asked for
	mirrored int           // orders in the database of which the status is asked
	distant  int           // orders that are synced with a Postgres that is far away
	seconds  time.Duration // for which something changes each second; 0 = not measured
	events   int           // that are synced by themselves
	soak     time.Duration // the same for long; 0 = not measured, as in every plan: -soak says how long
	fleet    fleetPlan     // measured only when it is asked for
}

var plans = map[string]plan{
	"short": {rounds: 3, orders: 20_000, naive: 1_000, sizes: []int{4_000, 40_000}, states: 20_000, mirrored: 100_000, distant: 20_000, events: 200_000},
	"full":  {rounds: 5, orders: 100_000, naive: 20_000, sizes: []int{10_000, 100_000, 1_000_000}, limited: 40_000, latency: 4 * time.Minute, states: 1_000_000, mirrored: 1_000_000, distant: 100_000, seconds: 3 * time.Minute, events: 200_000},
}

func main() {
	mode := flag.String("mode", "full", "full or short")
	only := flag.String("only", "", "sections to run, separated by commas: rounds, history, sizes, limit, latency, seconds, soak, state, status, views, distance, events, fleet; all but fleet unless given")
	soak := flag.Duration("soak", 0, "for how long something changes each second in the section soak; it is left out unless given")
	var fleet fleetPlan
	fleet.flags()
	mirrored := flag.Int("mirrored", 0, "orders in the database of the section status, if another number than that of the mode")
	events := flag.Int("events", 0, "how many events are synced in the section events, if another number than that of the mode")
	rounds := flag.Int("rounds", 0, "rounds of the sections that have some, if another number than that of the mode")
	flag.Parse()
	p, ok := plans[*mode]
	p.fleet = fleet
	p.soak, p.mirrored = *soak, cmp.Or(*mirrored, p.mirrored)
	p.events, p.rounds = cmp.Or(*events, p.events), cmp.Or(*rounds, p.rounds)
	if !ok {
		fmt.Fprintf(os.Stderr, "bench: -mode %s: want full or short\n", *mode)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, p, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan, only string) (err error) {
	began := time.Now()
	asked := func(section string) bool { return strings.Contains(","+only+",", ","+section+",") }
	var settings map[string]string
	if asked("fleet") {
		settings = p.fleet.settings()
	}
	b, err := newBench(ctx, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var failed error
	for _, section := range []struct {
		name    string
		measure func(context.Context, plan) error
	}{
		{"rounds", b.rounds}, {"history", b.history}, {"sizes", b.sizes}, {"limit", b.limit}, {"latency", b.latency}, {"seconds", b.seconds}, {"soak", b.soak}, {"state", b.state}, {"status", b.status}, {"views", b.views}, {"distance", b.distance}, {"events", b.events}, {"fleet", b.fleet},
	} {
		if (only != "" || section.name == "fleet") && !asked(section.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%6s  %s\n", time.Since(began).Round(time.Second), section.name)
		if err := section.measure(ctx, p); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", section.name, err))
		}
	}
	fmt.Printf("%s, %s, in %s\n\n", machine(ctx), time.Now().UTC().Format("2006-01-02 15:04 UTC"), time.Since(began).Round(time.Second))
	return errors.Join(b.table.Print(os.Stdout), failed)
}
