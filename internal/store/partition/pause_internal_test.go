package partition

import (
	"slices"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
)

// Pages of rows whose partition cannot be made do not try it one after the other. What makes partitions ahead of time always tries.
func TestCoverPausesAfterAFailure(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync")
	p := New(pgtest.Pool(t, dsn), Table{Name: "events", Column: "timestamp", Unit: Month, Key: "id", Settles: true})
	now := time.Now()
	p.now = func() time.Time { return now }
	row := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	const made = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = 'polar.events'::regclass ORDER BY 1"

	pgtest.Exec(t, conn, "ALTER TABLE events RENAME TO hidden")
	if err := p.Cover(t.Context(), row); err == nil {
		t.Fatal("made a partition of a table that is not there")
	}
	now = now.Add(pause - 1)
	if err := p.Cover(t.Context(), row); err != nil {
		t.Errorf("the page after a failure tries again: %v", err)
	}
	if err := p.Ahead(t.Context(), row); err == nil {
		t.Error("what makes partitions ahead does not try")
	}
	pgtest.Exec(t, conn, "ALTER TABLE hidden RENAME TO events")
	now = now.Add(pause)
	if err := p.Cover(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if got, want := pgtest.List(t, conn, made), []string{"events_2026_02", "events_default"}; !slices.Equal(got, want) {
		t.Errorf("a minute later: %q, want %q", got, want)
	}
}
