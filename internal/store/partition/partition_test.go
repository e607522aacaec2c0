package partition_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/partition"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}

// Months are made when they are asked for, and rows that came before them move there. They are dropped whole. What falls into none is in the
// default one, and so is what is not dated at all.
func TestMonths(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool, conn := pgtest.Pool(t, dsn), pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync")
	add := func(time string) {
		pgtest.Exec(t, conn, "INSERT INTO events (id, timestamp, _hash, _requested_at) VALUES (gen_random_uuid(), "+time+", '', now())")
	}
	in := func() []string {
		return pgtest.List(t, conn, "SELECT tableoid::regclass || ' ' || COALESCE(to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'never') FROM events ORDER BY timestamp, id")
	}
	want := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, in()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	months := func() *partition.Partitions {
		return partition.New(pool, partition.Table{Name: "events", Column: "timestamp", Unit: partition.Month, Key: "id", Settles: true})
	}
	for _, time := range []string{"'2026-01-31T23:59:59.999999Z'", "'2026-02-01Z'", "'2031-05-05Z'", "NULL"} {
		add(time)
	}
	want("before any month", "events_default 2026-01-31", "events_default 2026-02-01", "events_default 2031-05-05", "events_default never")
	m := months()
	for range 2 {
		for _, of := range []*partition.Partitions{m, months()} { // another process
			if err := of.Ahead(t.Context(), at("2026-02-15")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Cover(t.Context(), at("2025-12-03"), at("2025-12-31"), at("2026-02-28")); err != nil {
		t.Fatal(err)
	}
	add("'2025-12-01Z'")
	add("'2026-03-31Z'")
	want("with months", "events_2025_12 2025-12-01", "events_default 2026-01-31", "events_2026_02 2026-02-01", "events_2026_03 2026-03-31", "events_default 2031-05-05", "events_default never")

	for _, c := range []struct {
		until   string
		dropped []string
	}{{"2025-12-31", nil}, {"2026-01-01", []string{"events_2025_12"}}, {"2026-02-28", nil}} {
		if got, err := m.Drop(t.Context(), at(c.until)); err != nil || !slices.Equal(got, c.dropped) {
			t.Errorf("until %s: dropped %q, %v", c.until, got, err)
		}
	}
	want("after a drop", "events_default 2026-01-31", "events_2026_02 2026-02-01", "events_2026_03 2026-03-31", "events_default 2031-05-05", "events_default never")
	if err := m.Cover(t.Context(), at("2025-12-03")); err != nil { // it has been there, and is not any more
		t.Fatal(err)
	}
	add("'2025-12-01Z'")
	if got := in()[0]; got != "events_2025_12 2025-12-01" {
		t.Errorf("a month that was dropped and asked for again: %s", got)
	}
}

// A table that was divided late has one partition for all that was before.
func TestBefore(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync",
		"CREATE TABLE polar_sync.events_before_2026_03 (LIKE events INCLUDING DEFAULTS, PRIMARY KEY (id))",
		"ALTER TABLE events ATTACH PARTITION events_before_2026_03 FOR VALUES FROM (MINVALUE) TO ('2026-03-01Z')")
	m := partition.New(pgtest.Pool(t, dsn), partition.Table{Name: "events", Column: "timestamp", Unit: partition.Month, Key: "id", Settles: true})
	if err := m.Cover(t.Context(), at("1999-01-01"), at("2026-02-28"), at("2026-03-01")); err != nil {
		t.Fatal(err)
	}
	if got, want := months(t, dsn), []string{"events_2026_03", "events_before_2026_03", "events_default"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, until := range []string{"2026-02-28", "2026-03-01"} {
		if _, err := m.Drop(t.Context(), at(until)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := months(t, dsn), []string{"events_2026_03", "events_default"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// months are the partitions of events.
func months(t *testing.T, dsn string) []string {
	t.Helper()
	return pgtest.List(t, pgtest.Connect(t, dsn), "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = 'polar.events'::regclass ORDER BY 1")
}

// Whoever asks for the events of a customer since a day reads the months since.
func TestReadersReadTheMonthsTheyAskFor(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	m := partition.New(pgtest.Pool(t, dsn), partition.Table{Name: "events", Column: "timestamp", Unit: partition.Month, Key: "id", Settles: true})
	for month := range 12 {
		if err := m.Cover(t.Context(), at("2026-01-15").AddDate(0, month, 0)); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", `
		INSERT INTO events (id, timestamp, customer_id, _hash, _requested_at)
		SELECT gen_random_uuid(), timestamptz '2026-01-15Z' + make_interval(hours => n), md5((n % 50)::text)::uuid, '', now() FROM generate_series(1, 8000) n`, "ANALYZE events")
	const customer = "customer_id = md5('7')::uuid"
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT * FROM events WHERE " + customer + " AND timestamp >= '2026-11-10Z'", []string{"events_2026_11", "events_2026_12", "events_default"}},
		{"SELECT * FROM events_live WHERE " + customer + " AND timestamp >= now() - (now() - '2026-11-10Z')", []string{"events_2026_11", "events_2026_12", "events_default"}},
		{"SELECT * FROM events WHERE " + customer + " AND timestamp >= '2026-03-02Z' AND timestamp < '2026-03-05Z'", []string{"events_2026_03"}},
	} {
		var plan string
		if err := conn.QueryRow(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF, FORMAT JSON) "+c.sql).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		if got := read(t, plan); !slices.Equal(got, c.want) {
			t.Errorf("%s reads %q, want %q:\n%s", c.sql, got, c.want, plan)
		}
	}
}

// read are the relations that a plan has read, by name.
func read(t *testing.T, plan string) (names []string) {
	t.Helper()
	var of any
	if err := json.Unmarshal([]byte(plan), &of); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if name, is := v["Relation Name"].(string); is && v["Actual Loops"] != 0.0 {
				names = append(names, name)
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(of)
	slices.Sort(names)
	return slices.Compact(names)
}
