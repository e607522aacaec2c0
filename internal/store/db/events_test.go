package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/localpg/pgtest"
)

// The id is the key of each month alone. Nevertheless an event is stored once: one whose time has changed moves, unless the reply with it is
// older than the stored one.
func TestEventsAreOnceInAllMonths(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	pgtest.Exec(t, conn,
		"CREATE TABLE polar_sync.events_2026_01 PARTITION OF events (PRIMARY KEY (id)) FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')",
		"CREATE TABLE polar_sync.events_2026_02 PARTITION OF events (PRIMARY KEY (id)) FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z')")
	all := upserts(t, conn)
	u := all[slices.IndexFunc(all, func(u upsert) bool { return u.table == "events" })]
	event := func(at string, requestedAfter time.Duration) {
		t.Helper()
		row := u.full(t, 0)
		if at == "" {
			row.FieldByName("Timestamp").SetZero()
		} else {
			when, err := time.Parse(time.RFC3339Nano, at)
			if err != nil {
				t.Fatal(err)
			}
			u.name(row, "timestamp", when)
		}
		u.name(row, "name", at)
		u.name(row, "_requested_at", requested.Add(requestedAfter))
		if err := u.run(t.Context(), conn, row); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		at    string
		after time.Duration
		want  string
	}{
		{"2026-01-05T00:00:00Z", 0, "events_2026_01 2026-01-05T00:00:00Z"},
		{"2026-01-05T00:00:00Z", time.Hour, "events_2026_01 2026-01-05T00:00:00Z"},
		{"2026-02-28T23:59:59.999999Z", 2 * time.Hour, "events_2026_02 2026-02-28T23:59:59.999999Z"},
		{"2026-01-07T00:00:00Z", time.Minute, "events_2026_02 2026-02-28T23:59:59.999999Z"}, // an earlier reply
		{"2040-01-01T00:00:00Z", 3 * time.Hour, "events_default 2040-01-01T00:00:00Z"},
		{"", 4 * time.Hour, "events_default "},
		{"2026-01-07T00:00:00Z", 5 * time.Hour, "events_2026_01 2026-01-07T00:00:00Z"},
	} {
		event(c.at, c.after)
		if diff := cmp.Diff([]string{c.want}, pgtest.List(t, conn, "SELECT tableoid::regclass || ' ' || name FROM events")); diff != "" {
			t.Errorf("after %q, requested %s later (-want +got):\n%s", c.at, c.after, diff)
		}
	}
}
