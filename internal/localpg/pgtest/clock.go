package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// SetClock makes the clock of one database run by offset ahead of the true time, or behind it. It may be called again. It
// replaces functions of Postgres itself, in this database alone, by ones that the planner puts in place of their calls; a
// role that is no superuser cannot. Statements that a session has planned already keep the clock that they had, so the
// connections of these pools are closed, as by a failover but without an error: those in use once they are given back.
func SetClock(t testing.TB, dsn string, offset time.Duration, pools ...interface{ Reset() }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), databaseTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("pgtest: set the clock: %v", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is left to be written
	for name, clock := range map[string]string{
		"now() RETURNS timestamptz LANGUAGE sql STABLE":               "pg_catalog.transaction_timestamp()",
		"clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE": "pg_catalog.timeofday()::timestamptz",
	} {
		sql := fmt.Sprintf("CREATE OR REPLACE FUNCTION pg_catalog.%s AS $$ SELECT %s + interval '%d microseconds' $$", name, clock, offset.Microseconds())
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("pgtest: set the clock: %v", err)
		}
	}
	for _, pool := range pools {
		pool.Reset()
	}
}
