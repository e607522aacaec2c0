package pgtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Connect returns a connection of the test's own, with the settings of its role and database.
func Connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // its server may be gone
	return conn
}

// Exec runs statements.
func Exec(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// List returns the texts that a statement selects.
func List(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

// DSNAs is the connection string of a role and a database of the server.
func DSNAs(conn *pgx.Conn, role, password, database string) string {
	c := conn.Config()
	return fmt.Sprintf("host='%s' port=%d user='%s' password='%s' dbname='%s' sslmode=disable", c.Host, c.Port, role, password, database)
}

// NewRole makes a role for the test, and returns its name and connection string.
func NewRole(t testing.TB, conn *pgx.Conn, options string) (name, dsn string) {
	t.Helper()
	name = "syncd_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	Exec(t, conn, "CREATE ROLE "+name+" LOGIN PASSWORD 's3cret' "+options)
	t.Cleanup(func() {
		for _, sql := range []string{"DROP OWNED BY " + name + " CASCADE", "DROP ROLE " + name} {
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
	return name, DSNAs(conn, name, "s3cret", conn.Config().Database)
}

// Pool opens a pool on the schema "polar" of a database, closed at the end of the test.
func Pool(t testing.TB, dsn string) *pg.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: "polar", MaxConns: 4})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}
