// Package seen is what a database shows of a fleet: who had which organization when, and how two mirrors differ.
package seen

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Hold is a time from which on a process had an organization; 0: nobody had it.
type Hold struct {
	PID   int
	Since time.Time
}

// Holds are those of each organization, one after the other.
type Holds struct {
	of        map[string][]Hold
	Takeovers []float64 // seconds from a kill until another process had the organization
}

// Look notes who has which organization now. killedAt tells when a process was killed.
func (h *Holds) Look(ctx context.Context, conn *pgx.Conn, killedAt func(pid int) (time.Time, bool)) error {
	rows, err := conn.Query(ctx, "SELECT name, COALESCE(holder, ''), since FROM syncd_fleet.organizations ORDER BY name")
	if err != nil {
		return err
	}
	if h.of == nil {
		h.of = map[string][]Hold{}
	}
	var name, holder string
	var since time.Time
	_, err = pgx.ForEachRow(rows, []any{&name, &holder, &since}, func() error {
		now, before := Hold{PID(holder), since}, h.of[name]
		if len(before) > 0 && before[len(before)-1] == now {
			return nil
		}
		h.of[name] = append(before, now)
		if len(before) > 0 {
			if killed, was := killedAt(before[len(before)-1].PID); was {
				h.Takeovers = append(h.Takeovers, since.Sub(killed).Seconds())
			}
		}
		return nil
	})
	return err
}

// Holder tells which process had an organization at a time: nobody is known to have had it before the first look.
func (h *Holds) Holder(name string, at time.Time) (pid int, known bool) {
	for _, one := range h.of[name] {
		if at.Before(one.Since) {
			break
		}
		pid, known = one.PID, true
	}
	return pid, known
}

// PID takes the process out of host/pid/random.
func PID(holder string) int {
	parts := strings.Split(holder, "/")
	if len(parts) < 3 {
		return 0
	}
	pid, err := strconv.Atoi(parts[len(parts)-2])
	if err != nil {
		return 0
	}
	return pid
}

// Differing are rows of a table, and how they are not the same in a fresh mirror: it has rows that are missing here, or not those that are here,
// or they are others in some columns.
type Differing struct {
	Rows, Missing, More, Changed float64
	Columns                      []string // of those that changed
}

// Wrong counts what differs in any way.
func (d Differing) Wrong() float64 { return d.Missing + d.More + d.Changed }

// Plus adds what was found of the same table elsewhere.
func (d Differing) Plus(o Differing) Differing {
	columns := slices.Concat(d.Columns, o.Columns)
	slices.Sort(columns)
	return Differing{d.Rows + o.Rows, d.Missing + o.Missing, d.More + o.More, d.Changed + o.Changed, slices.Compact(columns)}
}

// String tells the kinds.
func (d Differing) String() string {
	var kinds []string
	for _, kind := range []struct {
		rows float64
		what string
	}{{d.Missing, "missing"}, {d.More, "not in the fresh mirror"}, {d.Changed, "changed in " + strings.Join(d.Columns, " ")}} {
		if kind.rows > 0 {
			kinds = append(kinds, fmt.Sprintf("%.0f %s", kind.rows, kind.what))
		}
	}
	return cmp.Or(strings.Join(kinds, ", "), "none")
}

// Differences compares tables of two schemas: every column but the times at which syncd wrote a row and asked for it. Rows that are marked as
// deleted, or gone from their list, are left out, as a fresh mirror knows nothing of them; so are suspects, whose deletion is not proven yet: where
// Polar has no answer for a single row, that takes two sweeps an hour apart.
func Differences(ctx context.Context, conn *pgx.Conn, here, fresh string, tables []string) (map[string]Differing, error) {
	found := make(map[string]Differing, len(tables))
	for _, table := range tables {
		of := func(schema string) string {
			return "SELECT to_jsonb(t) - '{_synced_at,_requested_at}'::text[] AS row FROM " + pgx.Identifier{schema, table}.Sanitize() +
				" t WHERE COALESCE(to_jsonb(t)->>'_deleted_at', to_jsonb(t)->>'_removed_at') IS NULL AND NOT EXISTS (SELECT FROM " +
				pgx.Identifier{schema + "_sync", "sync_suspects"}.Sanitize() + " s WHERE s.stream = '" + table + "' AND s.id::text = to_jsonb(t)->>'id')"
		}
		var d Differing
		if err := conn.QueryRow(ctx, "WITH a AS MATERIALIZED ("+of(here)+"), b AS MATERIALIZED ("+of(fresh)+`), key AS (
				SELECT array_agg(attname::text) AS columns FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) WHERE indisprimary AND indrelid = $1::regclass
			), pairs AS (
				SELECT x.row AS here, y.row AS fresh FROM (TABLE a EXCEPT ALL TABLE b) x FULL JOIN (TABLE b EXCEPT ALL TABLE a) y
				ON (SELECT jsonb_agg(x.row->c ORDER BY c) FROM key, unnest(columns) c) = (SELECT jsonb_agg(y.row->c ORDER BY c) FROM key, unnest(columns) c)
			)
			SELECT (SELECT count(*) FROM b)::float8, count(*) FILTER (WHERE here IS NULL)::float8, count(*) FILTER (WHERE fresh IS NULL)::float8, count(*) FILTER (WHERE here <> fresh)::float8,
				(SELECT COALESCE(array_agg(DISTINCT c.key ORDER BY c.key), '{}') FROM pairs p, jsonb_each(p.here) c WHERE c.value IS DISTINCT FROM p.fresh->c.key AND p.fresh IS NOT NULL)
			FROM pairs`, pgx.Identifier{here, table}.Sanitize()).Scan(&d.Rows, &d.Missing, &d.More, &d.Changed, &d.Columns); err != nil {
			return nil, fmt.Errorf("compare %s: %w", table, err)
		}
		found[table] = d
	}
	return found, nil
}
