package pg_test

import (
	"testing"

	"syncd/internal/localpg/pgtest"
)

// What each round asks about its schema reads no more of the catalogs where the database has many others: a thousand organizations have half a
// million relations and types.
func TestOtherSchemasAreNotRead(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	conn := pgtest.Connect(t, dsn)
	const others, times = 3000, 10
	pgtest.Exec(t, conn, `DO $$ BEGIN
		FOR i IN 1..60 LOOP
			EXECUTE format('CREATE SCHEMA other%s', i);
			FOR k IN 1..50 LOOP
				EXECUTE format('CREATE VIEW other%1$s.v%2$s AS SELECT 1 AS a; CREATE FUNCTION other%1$s.f%2$s() RETURNS int LANGUAGE sql AS ''SELECT 1''', i, k);
			END LOOP;
		END LOOP;
	END $$`, "CREATE TABLE other1.last AS SELECT 1 AS a")
	read := func() (rows, last int64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `
			SELECT (SELECT sum(pg_stat_get_tuples_returned(c)) FROM unnest('{pg_class,pg_proc,pg_type,pg_depend}'::regclass[]) t, LATERAL (SELECT t UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = t) of (c)),
				pg_stat_get_tuples_returned('other1.last'::regclass)`).Scan(&rows, &last); err != nil {
			t.Fatal(err)
		}
		return rows, last
	}
	pool := pgtest.Pool(t, dsn)
	before, _ := read()
	for range times {
		if err := pool.CheckSchema(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Migrations(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), "SELECT FROM other1.last"); err != nil {
		t.Fatal(err)
	}
	pool.Close() // a connection tells its counts when it ends, at the latest
	for after, last := read(); ; after, last = read() {
		if last == 0 && t.Context().Err() == nil {
			continue
		}
		if rows := after - before; rows > times*others/2 {
			t.Errorf("%d rows of catalogs are read, %d of other schemas", rows/times, others)
		}
		return
	}
}
