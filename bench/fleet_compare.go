package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"syncd/bench/figures"
	"syncd/bench/process"
	"syncd/bench/seen"
	"syncd/internal/catalog"
)

// differing are rows of a table, and those that still differ after a sweep.
type differing struct {
	seen.Differing
	left float64
}

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
func (w *watchedFleet) compare(ctx context.Context) error {
	wanted := w.plan.compared
	if wanted < 0 || wanted > w.plan.organizations {
		wanted = w.plan.organizations
	}
	var mu sync.Mutex
	tables := map[string]differing{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i := range wanted {
		n := 1 + i*w.plan.organizations/wanted // spread over all
		group.Go(func() error {
			found, err := w.comparedAnew(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			for table, d := range found {
				sum := tables[table]
				tables[table] = differing{seen.Differing{Rows: sum.Rows + d.Rows, Wrong: sum.Wrong + d.Wrong}, sum.left + d.left}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var rows, missed, late, left float64
	streams := catalog.StreamsOfTables()
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		d := tables[table]
		rows, left = rows+d.Rows, left+d.left
		if slices.Contains(shownAtOnce, streams[table]) {
			missed += d.Wrong
		} else {
			late += d.Wrong
		}
		if d.Wrong > 0 {
			fmt.Fprintf(os.Stderr, "        %s: %.0f of %.0f rows differ, %.0f after a sweep\n", table, d.Wrong, d.Rows, d.left)
		}
	}
	w.table.Add(w.everything(fmt.Sprintf("rows of %d tables compared, all columns, %d organizations", len(tables), wanted)), "rows", nil, rows)
	w.table.Add(w.everything("rows that differ from a fresh mirror's, of "+strings.Join(shownAtOnce, ", ")), "rows", figures.AtMost(0), missed)
	w.table.Add(w.everything("rows of the others that slow probes or sweeps have still to show"), "rows", nil, late)
	w.table.Add(w.everything("rows that differ after these have been swept"), "rows", figures.AtMost(0), left)
	return nil
}

// comparedAnew makes a fresh mirror of organization n beside that of the fleet, and compares their tables. What differs is swept, and compared
// once more.
func (w *watchedFleet) comparedAnew(ctx context.Context, n int) (found map[string]differing, err error) {
	here, fresh := schemaOf(n), fmt.Sprintf("fresh_%04d", n)
	sync := func(schema string, streams ...string) error {
		_, err := process.Run(ctx, append(w.polar.environ(w.dsn), "POLAR_ACCESS_TOKEN="+tokenOf(n), "SYNCD_SCHEMA="+schema), syncd, append([]string{"sync"}, streams...)...)
		if partial(err) { // as where the brake on deletions holds
			return nil
		}
		return err
	}
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
	err = session(ctx, w.dsn, func(conn *pgx.Conn) (err error) {
		first, err := seen.Differences(ctx, conn, here, fresh, tables)
		if err != nil {
			return err
		}
		found = map[string]differing{}
		var again, sweep []string
		for table, d := range first {
			if found[table] = (differing{d, 0}); d.Wrong > 0 {
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
				found[table] = differing{first[table], d.Wrong}
			}
		}
		_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+fresh+", "+fresh+"_sync, "+fresh+"_safe CASCADE")
		return err
	})
	return found, err
}
