package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// A role with all rights in a schema that somebody else made is enough, and with no more than the rights on its tables later.
func TestLeastPrivilege(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, tc := range []struct{ name, make string }{
		{"granted", "CREATE SCHEMA polar; CREATE SCHEMA polar_sync; GRANT ALL ON SCHEMA polar, polar_sync TO %"},
		{"owned", "CREATE SCHEMA polar AUTHORIZATION %; CREATE SCHEMA polar_sync AUTHORIZATION %"},
		{"created", "GRANT CREATE ON DATABASE @ TO %"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			admin := pgtest.Connect(t, pgtest.Empty(t))
			name, dsn := pgtest.NewRole(t, admin, "")
			database := pgx.Identifier{admin.Config().Database}.Sanitize()
			pgtest.Exec(t, admin, "REVOKE ALL ON DATABASE "+database+" FROM PUBLIC", "GRANT CONNECT ON DATABASE "+database+" TO "+name,
				strings.NewReplacer("%", name, "@", database).Replace(tc.make))
			work(t, dsn, "polar")
			pgtest.Exec(t, admin, "REVOKE CREATE ON DATABASE "+database+" FROM "+name,
				"ALTER SCHEMA polar OWNER TO CURRENT_USER", "ALTER SCHEMA polar_sync OWNER TO CURRENT_USER",
				"REVOKE ALL ON SCHEMA polar, polar_sync FROM "+name, "GRANT USAGE ON SCHEMA polar, polar_sync TO "+name)
			work(t, dsn, "polar")
		})
	}
}

// What would stop a migration is told before the first one, and nothing is left behind.
func TestMigrateRefuses(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, tc := range []struct {
		name, prepare string
		want          []string
	}{
		{"no right to make the schema", "SELECT 1", []string{`role "%"`, `CREATE SCHEMA "polar" AUTHORIZATION "%"; CREATE SCHEMA "polar_sync" AUTHORIZATION "%"`, `GRANT CREATE ON DATABASE @ TO "%"`}},
		{"no right to make that of the bookkeeping", "CREATE SCHEMA polar AUTHORIZATION %", []string{`schema "polar_sync" does not exist, and role "%"`, `CREATE SCHEMA "polar_sync" AUTHORIZATION "%", or GRANT CREATE ON DATABASE @ TO "%"`}},
		{"no right in the schemas", "CREATE SCHEMA polar; CREATE SCHEMA polar_sync; GRANT USAGE ON SCHEMA polar, polar_sync TO %",
			[]string{`role "%"`, `GRANT ALL ON SCHEMA "polar" TO "%"; GRANT ALL ON SCHEMA "polar_sync" TO "%"`}},
		{"no right to look into the schema", "CREATE SCHEMA polar", []string{"permission denied for schema polar", "grant the role"}},
		{"somebody else's tables", "CREATE SCHEMA polar AUTHORIZATION %; CREATE TABLE polar.orders (id int); CREATE VIEW polar.freshness AS SELECT 1; CREATE TABLE polar.mine ()",
			[]string{"orders (owner ", "freshness (owner ", "--schema"}},
		{"somebody else's index", "CREATE SCHEMA polar AUTHORIZATION %; CREATE TABLE polar.theirs (id int); CREATE INDEX orders_customer_id_idx ON polar.theirs (id)", []string{"orders_customer_id_idx (owner "}},
		{"somebody else's bookkeeping", "GRANT CREATE ON DATABASE @ TO %; CREATE SCHEMA polar_sync AUTHORIZATION %; CREATE TABLE polar_sync.theirs ()", []string{`"polar_sync" holds`, "theirs (owner ", "--schema"}},
		{"a database that takes no writes", "GRANT CREATE ON DATABASE @ TO %; ALTER DATABASE @ SET default_transaction_read_only = on", []string{"SQLSTATE 25006", "default_transaction_read_only"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			admin := pgtest.Connect(t, pgtest.Empty(t))
			name, dsn := pgtest.NewRole(t, admin, "")
			database := pgx.Identifier{admin.Config().Database}.Sanitize()
			pgtest.Exec(t, admin, strings.NewReplacer("%", name, "@", database).Replace(tc.prepare))
			before := everything(t, admin)
			s := open(t, dsn, "polar")
			_, err := s.Migrate(t.Context())
			if err == nil || !store.IsStore(err) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
			for _, want := range tc.want {
				if want = strings.NewReplacer("%", name, "@", database).Replace(want); !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "mine") {
				t.Errorf("%v: what is not in the way is named", err)
			}
			if diff := cmp.Diff(before, everything(t, admin)); diff != "" {
				t.Errorf("something was left behind (-before +after):\n%s", diff)
			}
		})
	}
}

// A role that may not read the state of the migrations is told so, and not that there are none.
func TestStatusWithoutRights(t *testing.T) {
	t.Parallel()
	admin := pgtest.Connect(t, pgtest.Migrated(t))
	name, dsn := pgtest.NewRole(t, admin, "")
	s := open(t, dsn, "polar")
	for _, grant := range []string{"SELECT 1", "GRANT USAGE ON SCHEMA polar TO " + name} {
		pgtest.Exec(t, admin, grant)
		_, err := s.Migrations(t.Context())
		if err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), "grant the role") {
			t.Errorf("after %s: %v", grant, err)
		}
		if err := s.CheckSchema(t.Context()); errors.Is(err, pg.ErrSchemaBehind) {
			t.Errorf("after %s: %v", grant, err)
		}
	}
	pgtest.Exec(t, admin, "GRANT SELECT ON ALL TABLES IN SCHEMA polar TO "+name)
	if err := s.CheckSchema(t.Context()); err == nil || !strings.Contains(err.Error(), `"polar_sync": permission denied`) || !strings.Contains(err.Error(), "grant the role") {
		t.Errorf("without a right to the bookkeeping: %v", err)
	}
	pgtest.Exec(t, admin, "GRANT USAGE ON SCHEMA polar_sync TO "+name, "GRANT SELECT ON ALL TABLES IN SCHEMA polar_sync TO "+name)
	if err := s.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}
