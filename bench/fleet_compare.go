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
)

// differing are rows of a table that are not the same in two mirrors.
type differing struct{ rows, wrong float64 }

// compare syncs organizations anew, each into a schema of its own, and compares every row of every table of a stream with those of the fleet.
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
				tables[table] = differing{sum.rows + d.rows, sum.wrong + d.wrong}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var sum differing
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		d := tables[table]
		sum.rows, sum.wrong = sum.rows+d.rows, sum.wrong+d.wrong
		if d.wrong > 0 {
			fmt.Fprintf(os.Stderr, "        %s: %.0f of %.0f rows differ\n", table, d.wrong, d.rows)
		}
	}
	w.table.Add(w.everything(fmt.Sprintf("rows of %d tables compared, every field, %d organizations", len(tables), wanted)), "rows", nil, sum.rows)
	w.table.Add(w.everything("rows that differ from those of a fresh mirror"), "rows", figures.AtMost(0), sum.wrong)
	return nil
}

// comparedAnew makes a fresh mirror of organization n beside that of the fleet, and compares their tables.
func (w *watchedFleet) comparedAnew(ctx context.Context, n int) (found map[string]differing, err error) {
	here, fresh := schemaOf(n), fmt.Sprintf("fresh_%04d", n)
	environ := append(w.polar.environ(w.dsn), "POLAR_ACCESS_TOKEN="+tokenOf(n), "SYNCD_SCHEMA="+fresh)
	if _, err := process.Run(ctx, environ, syncd, "sync"); err != nil {
		return nil, err
	}
	err = session(ctx, w.dsn, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT table_name::text, string_agg(column_name, ' ') FROM information_schema.columns c
			WHERE table_schema = $1 AND EXISTS (SELECT FROM information_schema.columns h WHERE (h.table_schema, h.table_name, h.column_name) = (c.table_schema, c.table_name, '_hash'))
			AND (table_schema, table_name) NOT IN (SELECT n.nspname, r.relname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.relispartition)
			GROUP BY table_name`, here)
		if err != nil {
			return err
		}
		tables := map[string]string{}
		var table, columns string
		if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error { tables[table] = columns; return nil }); err != nil {
			return err
		}
		if len(tables) < streamsAtStart {
			return fmt.Errorf("%s has %d tables", here, len(tables))
		}
		found = make(map[string]differing, len(tables))
		for table, columns := range tables {
			of := func(schema string) string {
				// Without the times at which syncd wrote a row and asked for it, which two mirrors do not share.
				text := "SELECT to_jsonb(t) - '{_synced_at,_requested_at}'::text[] AS row FROM " + pgx.Identifier{schema, table}.Sanitize() + " t WHERE true"
				for _, gone := range []string{"_deleted_at", "_removed_at"} { // a fresh mirror knows nothing of these rows
					if slices.Contains(strings.Fields(columns), gone) {
						text += " AND " + gone + " IS NULL"
					}
				}
				return text
			}
			var d differing
			if err := conn.QueryRow(ctx, "WITH a AS ("+of(here)+"), b AS ("+of(fresh)+`)
				SELECT (SELECT count(*) FROM b)::float8, ((SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) x) + (SELECT count(*) FROM (TABLE b EXCEPT ALL TABLE a) y))::float8`).Scan(&d.rows, &d.wrong); err != nil {
				return err
			}
			found[table] = d
		}
		_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+fresh+", "+fresh+"_sync, "+fresh+"_safe CASCADE")
		return err
	})
	return found, err
}
