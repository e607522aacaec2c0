package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// SetClock makes the clock of one database run ahead of the true time, or behind it, by offset. It may be called again. It
// replaces functions of Postgres itself, in this database only, by SQL functions that the planner inlines; the role must be a
// superuser. Statements that a session has already planned keep their clock. So the connections of these pools are closed, as by
// a failover but without an error: those in use when they are given back.
func SetClock(t testing.TB, dsn string, offset time.Duration, pools ...interface{ Reset() }) {
	t.Helper()
	setClock(t, dsn, pools, "pg_catalog.transaction_timestamp()", "pg_catalog.timeofday()::timestamptz", fmt.Sprintf(" + interval '%d microseconds'", offset.Microseconds()))
}

// StopClock makes the clock of one database stand still at a time, until it is called again. See SetClock.
func StopClock(t testing.TB, dsn string, at time.Time, pools ...interface{ Reset() }) {
	t.Helper()
	stopped := "'" + at.UTC().Format(time.RFC3339Nano) + "'::timestamptz"
	setClock(t, dsn, pools, stopped, stopped, "")
}

// setClock makes now() and clock_timestamp() return these expressions plus what is added.
func setClock(t testing.TB, dsn string, pools []interface{ Reset() }, now, clock, added string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), databaseTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("pgtest: set the clock: %v", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // there is nothing left to write
	for name, is := range map[string]string{
		"now() RETURNS timestamptz LANGUAGE sql STABLE":               now,
		"clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE": clock,
	} {
		if _, err := conn.Exec(ctx, "CREATE OR REPLACE FUNCTION pg_catalog."+name+" AS $$ SELECT "+is+added+" $$"); err != nil {
			t.Fatalf("pgtest: set the clock: %v", err)
		}
	}
	for _, pool := range pools {
		pool.Reset()
	}
}
