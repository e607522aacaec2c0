package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"syncd/bench/figures"
	"syncd/bench/process"
	"syncd/bench/seen"
	"syncd/internal/catalog"
)

// differing are rows of a table, and those that still differ after a sweep.
type differing struct{ first, left seen.Differing }

// comparedAtOnce are organizations of which fresh mirrors are made side by side: as many as keep two cores busy while some wait for the disk.
const comparedAtOnce = 4

// shownAtOnce are streams whose changes rounds of tails show at once, as far as the simulator's customers and merchants make them. Others are
// read by slow probes, in turn, or by sweeps alone.
var shownAtOnce = strings.Fields("customers members subscriptions orders payments refunds")

// anew are the streams that a fresh mirror has: those that are on by default but metrics, which Polar computes, and no round follows.
func anew() (names []string) {
	for _, e := range catalog.Entries() {
		if e.OptIn == "" && !strings.HasPrefix(e.Name, "metrics") {
			names = append(names, e.Name)
		}
	}
	return names
}

// compare syncs organizations anew, each into a schema of its own, and compares every row of every table of these streams with those of the fleet.
// What cannot be compared does not end it, and none begins after the time that is given for all.
func (w *watchedFleet) compare(ctx context.Context) error {
	wanted := w.plan.compared
	if wanted < 0 || wanted > w.plan.organizations {
		wanted = w.plan.organizations
	}
	var mu sync.Mutex
	var failed error
	began, told, compared, tables := time.Now(), time.Now(), 0, map[string]differing{}
	var group errgroup.Group
	group.SetLimit(comparedAtOnce)
	for _, i := range rand.Perm(wanted) { // so that those that there is time for are spread too
		n := 1 + i*w.plan.organizations/wanted // spread over all
		group.Go(func() error {
			if ctx.Err() != nil || time.Since(began) > w.plan.comparing {
				return nil
			}
			found, err := w.comparedAnew(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("organization %d: %w", n, err))
				return nil
			}
			for table, d := range found {
				sum := tables[table]
				tables[table] = differing{sum.first.Plus(d.first), sum.left.Plus(d.left)}
			}
			if compared++; time.Since(told) >= time.Minute {
				told = time.Now()
				fmt.Fprintf(os.Stderr, "        %d of %d organizations compared after %s\n", compared, wanted, time.Since(began).Round(time.Second))
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	var rows, missed, late, left float64
	streams := catalog.StreamsOfTables()
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		d := tables[table]
		rows, left = rows+d.first.Rows, left+d.left.Wrong()
		if slices.Contains(shownAtOnce, streams[table]) {
			missed += d.first.Wrong()
		} else {
			late += d.first.Wrong()
		}
		if d.first.Wrong() > 0 {
			fmt.Fprintf(os.Stderr, "        %s: of %.0f rows %s; after a sweep: %s\n", table, d.first.Rows, d.first, d.left)
		}
	}
	w.table.Add(w.everything(fmt.Sprintf("rows of %d tables compared, all columns, %d organizations of %d", len(tables), compared, wanted)), "rows", nil, rows)
	w.table.Add(w.everything("rows that differ from a fresh mirror's, of "+strings.Join(shownAtOnce, ", ")), "rows", figures.AtMost(0), missed)
	w.table.Add(w.everything("rows of the others that slow probes or sweeps have still to show"), "rows", nil, late)
	w.table.Add(w.everything("rows that differ after these have been swept"), "rows", figures.AtMost(0), left)
	return failed
}

// comparedAnew makes a fresh mirror of organization n beside that of the fleet, and compares their tables. What differs is swept, and compared
// once more.
func (w *watchedFleet) comparedAnew(ctx context.Context, n int) (found map[string]differing, err error) {
	here, fresh := seen.SchemaOf(n), fmt.Sprintf("fresh_%04d", n)
	sync := func(schema string, streams ...string) error {
		_, err := process.Run(ctx, append(w.polar.environ(w.dsn), "POLAR_ACCESS_TOKEN="+tokenOf(n), "SYNCD_SCHEMA="+schema), syncd, append([]string{"sync"}, streams...)...)
		if partial(err) { // as where the brake on deletions holds
			return nil
		}
		return err
	}
	defer func() { // whatever happened: it takes as much of the disk as the organization itself
		err = errors.Join(err, session(ctx, w.dsn, func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+fresh+", "+fresh+"_sync, "+fresh+"_safe CASCADE")
			return err
		}))
	}()
	if err := sync(fresh, anew()...); err != nil {
		return nil, err
	}
	streams := catalog.StreamsOfTables()
	var tables []string
	for table, stream := range streams {
		if slices.Contains(anew(), stream) {
			tables = append(tables, table)
		}
	}
	err = session(ctx, w.dsn, func(conn *pgx.Conn) error {
		first, err := seen.Differences(ctx, conn, here, fresh, tables)
		if err != nil {
			return err
		}
		found = map[string]differing{}
		var again, sweep []string
		for table, d := range first {
			if found[table] = (differing{first: d}); d.Wrong() > 0 {
				again, sweep = append(again, table), append(sweep, streams[table])
			}
		}
		if len(again) > 0 {
			if err := sync(here, sweep...); err != nil {
				return err
			}
			left, err := seen.Differences(ctx, conn, here, fresh, again)
			if err != nil {
				return err
			}
			for table, d := range left {
				found[table] = differing{first[table], d}
			}
		}
		return nil
	})
	return found, err
}
