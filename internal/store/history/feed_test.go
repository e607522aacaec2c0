package history_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store/pg"
)

// Change is one change, as far as the reader of the page wants to know.
type Change struct {
	Seq               int64
	Stream, Operation string
	ID                uuid.UUID
}

// follow deals with all changes behind a number, and then with each that comes.
func follow(ctx context.Context, conn *pgx.Conn, after int64, deal func(Change) error) error {
	if _, err := conn.Exec(ctx, "LISTEN polar"); err != nil {
		return err
	}
	for {
		rows, err := conn.Query(ctx, "SELECT seq, stream, operation, id FROM polar.changes_after($1)", after)
		if err != nil {
			return err
		}
		changes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Change])
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := deal(c); err != nil {
				return err
			}
			after = c.Seq // keep it where deal has left its results
		}
		if len(changes) == 0 {
			if _, err := conn.WaitForNotification(ctx); err != nil {
				return err
			}
		}
	}
}

// add makes a customer in a transaction that records it.
func add(name string) string {
	return fmt.Sprintf(`BEGIN; SELECT set_config('syncd.history', 'customers', true);
		INSERT INTO customers (id, name, _hash, _requested_at) VALUES (gen_random_uuid(), '%s', '', now());
		SELECT announce_changes(); COMMIT`, name)
}

// The examples of docs/changes.md do what the page says.
func TestFeedAsThePageTells(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("feed_test.go")
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.Migrated(t)
	writer, reader := pgtest.Connect(t, dsn), pgtest.Connect(t, dsn)
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(text, -1) {
		pgtest.Exec(t, writer, string(block[1]))
	}
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1) {
		if !strings.Contains(string(source), string(block[1])) {
			t.Error("the example in Go is not the one that is tested here")
		}
	}

	pgtest.Exec(t, writer, "SET search_path TO polar, polar_sync", add("before"))
	enough := errors.New("enough")
	var read []string
	err = follow(t.Context(), reader, 0, func(c Change) error {
		read = append(read, c.Stream+" "+c.Operation)
		if len(read) < 3 { // it has to wait for the next one
			pgtest.Exec(t, writer, add("after"))
			return nil
		}
		return enough
	})
	if want := slices.Repeat([]string{"customers insert"}, 3); !errors.Is(err, enough) || !slices.Equal(read, want) {
		t.Errorf("read %q, %v; want %q", read, err, want)
	}
}

// Another database subscribes to changes, whatever partition they are in.
func TestSubscription(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	server, err := localpg.Start(t.Context(), localpg.Options{Settings: map[string]string{"wal_level": "logical", "max_wal_senders": "4"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	var dsn [2]string
	for i, name := range []string{"source", "copy"} {
		if dsn[i], err = server.CreateDatabase(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn[0], Schema: "polar", MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	source, other := pgtest.Connect(t, dsn[0]), pgtest.Connect(t, dsn[1])
	columns := pgtest.List(t, source, "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ') FROM pg_attribute WHERE attrelid = 'polar.changes'::regclass AND attnum > 0")[0]
	pgtest.Exec(t, source, "SET search_path TO polar, polar_sync", "CREATE PUBLICATION polar_changes FOR TABLE polar.changes WITH (publish = 'insert', publish_via_partition_root = true)",
		"SELECT pg_create_logical_replication_slot('polar_changes', 'pgoutput')") // by hand, as both databases are on one server
	config := source.Config()
	pgtest.Exec(t, other, "CREATE SCHEMA polar", "CREATE TABLE polar.changes ("+columns+")",
		fmt.Sprintf("CREATE SUBSCRIPTION polar_changes CONNECTION 'host=%s port=%d user=%s dbname=source' PUBLICATION polar_changes WITH (create_slot = false)", config.Host, config.Port, config.User))
	pgtest.Exec(t, source, add("one"), add("two"))
	want := pgtest.List(t, source, "SELECT changes::text FROM polar.changes ORDER BY seq")
	for got := []string(nil); !slices.Equal(got, want); {
		if err := t.Context().Err(); err != nil {
			t.Fatalf("the other database has %q, want %q", got, want)
		}
		got = pgtest.List(t, other, "SELECT changes::text FROM polar.changes ORDER BY seq")
	}
	pgtest.Exec(t, other, "DROP SUBSCRIPTION polar_changes")
}
