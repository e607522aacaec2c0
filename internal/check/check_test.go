package check_test

import (
	"cmp"
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/check"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/status"
	"syncd/internal/store"
	"syncd/internal/token"
)

const goodToken = "polar_oat_of_the_tests"

// setup is what a check looks at.
type setup struct {
	dsn, token, server, organization string
	scopes                           []string // of the token; nil = all
	parallel                         int
	budget                           int // requests a minute; 0 = so many that none waits
}

// world is an organization whose clock stands still, more than an hour ago.
var world = polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 12, Now: time.Now().Add(-61 * time.Minute).UTC().Truncate(time.Second)})

// report runs the checks against a simulated Polar and a real Postgres.
func report(t *testing.T, s setup) check.Report {
	t.Helper()
	if s.server == "" {
		server := httptest.NewServer(polarsim.NewServer(world, polarsim.ServerOptions{Token: goodToken, Scopes: s.scopes}))
		t.Cleanup(server.Close)
		s.server = server.URL
	}
	if s.token == "" {
		s.token = goodToken
	}
	client, err := fetch.New(fetch.Config{Server: s.server, Token: s.token, RequestsPerMinute: cmp.Or(s.budget, 60000), Hasty: true, Backoff: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return check.Run(t.Context(), check.Config{
		Open: func(ctx context.Context) (*store.Store, error) {
			return store.Open(ctx, store.Config{DSN: s.dsn, Schema: "polar", MaxConns: 4})
		},
		Parallel: max(1, s.parallel), Client: client, Token: s.token, OrganizationID: s.organization, Scopes: daemon.Scopes(nil), WarnDays: status.WarnDays, TempDir: t.TempDir(),
	})
}

// line is the one of this name.
func line(t *testing.T, r check.Report, name string) check.Line {
	t.Helper()
	i := slices.IndexFunc(r.Lines, func(l check.Line) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no line %s in\n%s", name, r.Text())
	}
	return r.Lines[i]
}

// Where all is well each line says so, and the database is as it was: nothing was made, and no row was written.
func TestAllIsWell(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"empty": pgtest.Empty(t), "migrated": pgtest.Migrated(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, dsn)
			before := contents(t, conn)
			r := report(t, setup{dsn: dsn, budget: 499})
			for _, l := range r.Lines {
				if want := map[bool]check.State{true: check.Warn, false: check.OK}[l.Name == "clocks"]; l.State != want || l.Found == "" {
					t.Errorf("%+v", l)
				}
			}
			for _, name := range []string{"database", "pooler", "schema", "polar", "token", "version", "budget", "scopes", "disk", "organization", "clocks"} {
				line(t, r, name)
			}
			if l := line(t, r, "clocks"); !strings.Contains(l.Found, "Polar is 1 h 0") || !strings.Contains(l.Found, " behind this machine") {
				t.Errorf("%+v", l)
			}
			if r.Failed() || r.CostsStreams() || len(r.Scopes) < 20 || strings.Count(r.Text(), "\n") != len(r.Lines)+1 {
				t.Errorf("failed %v, costs streams %v, %d scopes:\n%s", r.Failed(), r.CostsStreams(), len(r.Scopes), r.Text())
			}
			if after := contents(t, conn); !slices.Equal(after, before) {
				t.Errorf("the database has changed: %d objects and rows before, %d after", len(before), len(after))
			}
		})
	}
}

// contents are all objects of a database, and all rows of the tables in its schemas.
func contents(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	list := pgtest.List(t, conn, `
		SELECT 'schema ' || oid || nspname || COALESCE(nspacl::text, '') FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
		UNION ALL SELECT 'relation ' || oid || relname || relnamespace || COALESCE(relacl::text, '') FROM pg_class
		UNION ALL SELECT 'function ' || oid || proname || prosrc FROM pg_proc
		UNION ALL SELECT 'setting ' || setdatabase || setrole || setconfig::text FROM pg_db_role_setting
		ORDER BY 1`)
	for _, table := range pgtest.List(t, conn, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname LIKE 'polar%' AND c.relkind = 'r' ORDER BY 1`) {
		list = append(list, pgtest.List(t, conn, "SELECT '"+table+" ' || ctid::text || xmin::text || t::text FROM "+table+" t ORDER BY 1")...)
	}
	return list
}

// What is wrong is named in one line, with a remedy, beside all the rest that could be found out.
func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	empty := pgtest.Empty(t)
	conn := pgtest.Connect(t, empty)
	_, powerless := pgtest.NewRole(t, conn, "")
	foreign := pgtest.Empty(t)
	pgtest.Exec(t, pgtest.Connect(t, foreign), "CREATE SCHEMA polar", "CREATE TABLE polar.orders (id int)")
	other := pgtest.Migrated(t)
	pgtest.Exec(t, pgtest.Connect(t, other), "INSERT INTO polar_sync.sync_meta (organization_id, server) VALUES ('"+uuid.NewString()+"', 'elsewhere')")
	newer := pgtest.Migrated(t)
	pgtest.Exec(t, pgtest.Connect(t, newer), "INSERT INTO polar.sync_migrations (version_id, is_applied) VALUES (99999, true)")
	guest := pgtest.Migrated(t)
	_, asGuest := pgtest.NewRole(t, pgtest.Connect(t, guest), "")
	reader := pgtest.Migrated(t)
	name, asReader := pgtest.NewRole(t, pgtest.Connect(t, reader), "")
	pgtest.Exec(t, pgtest.Connect(t, reader), "GRANT USAGE ON SCHEMA polar, polar_sync TO "+name, "GRANT SELECT ON ALL TABLES IN SCHEMA polar, polar_sync TO "+name)
	for name, c := range map[string]struct {
		setup
		line, found, remedy string
	}{
		"no database":        {setup{dsn: pgtest.DSNAs(conn, "postgres", "", "nowhere")}, "database", `database "nowhere" does not exist`, "createdb nowhere"},
		"nobody there":       {setup{dsn: "postgres://u@127.0.0.1:1/d"}, "database", "connection refused", "start the server"},
		"no rights":          {setup{dsn: powerless}, "rights", "may not create it", "CREATE SCHEMA"},
		"not the owner":      {setup{dsn: asGuest}, "database", "permission denied", "grant the role"},
		"may read":           {setup{dsn: asReader}, "rights", "of syncd's tables", "the owner of all tables"},
		"foreign tables":     {setup{dsn: foreign}, "schema", "orders", "choose another schema"},
		"other organization": {setup{dsn: other}, "organization", "the schema mirrors", "choose another schema"},
		"newer":              {setup{dsn: newer}, "schema", "newer than this syncd", ""},
		"read-only":          {setup{dsn: empty + "&default_transaction_read_only=on"}, "writes", "read-only", "primary"},
		"wrong token":        {setup{dsn: empty, token: "polar_oat_wrong"}, "token", "was refused", "create an organization access token"},
		"a webhook's secret": {setup{dsn: empty, token: "polar_whs_1"}, "token", "by its prefix it is a secret of a webhook endpoint", "create an organization"},
		"wrong organization": {setup{dsn: empty, organization: uuid.NewString()}, "organization", "POLAR_ORGANIZATION_ID", ""},
		"Polar is not there": {setup{dsn: empty, server: "http://127.0.0.1:1"}, "polar", "connection refused", "check the network"},
		"few connections":    {setup{dsn: empty, parallel: 4}, "connections", "pool_max_conns = 4", "raise pool_max_conns to 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, c.setup)
			l := line(t, r, c.line)
			state := check.Fail
			if c.line == "connections" {
				state = check.Warn
			}
			if l.State != state || !strings.Contains(l.Found, c.found) || !strings.Contains(l.Remedy, c.remedy) || strings.Contains(l.Found, "\n") {
				t.Errorf("%+v", l)
			}
			if r.Failed() != (state == check.Fail) || len(r.Lines) < 4 {
				t.Errorf("failed: %v\n%s", r.Failed(), r.Text())
			}
		})
	}
}

// Missing scopes are one line, with the scopes that read alone and all streams that they cost. A stream that is read for each row of
// another one is among them.
func TestMissingScopes(t *testing.T) {
	t.Parallel()
	r := report(t, setup{dsn: pgtest.Empty(t), scopes: []string{"organizations:read", "orders:read", "customers:write", "products:read"}})
	l := line(t, r, "scopes")
	if l.State != check.Warn || !r.CostsStreams() || r.Failed() {
		t.Errorf("%+v", l)
	}
	for _, want := range []string{"the token lacks benefits:read, ", "customer_seats:read", "; these streams are not mirrored: benefits, benefit_grants, "} {
		if !strings.Contains(l.Found, want) {
			t.Errorf("%q lacks %q", l.Found, want)
		}
	}
	if strings.Contains(l.Found, "write") || strings.Contains(l.Found, "orders:read") || strings.Contains(l.Found, "customers:read") || !slices.Contains(l.Streams, "customer_seats") {
		t.Errorf("%+v", l)
	}
}

// Whatever the streams, each scope that is documented is asked for once.
func TestScopesAreThoseOfStreams(t *testing.T) {
	t.Parallel()
	var streams []string
	for _, s := range daemon.Scopes(map[string]bool{"events": true}) {
		streams = append(streams, s.Streams...)
	}
	if len(streams) != len(catalog.Entries())-2 || slices.Contains(streams, "organization_access_tokens") || slices.Contains(streams, "events") {
		t.Errorf("%d of %d streams: %v", len(streams), len(catalog.Entries()), streams)
	}
	if token.KindOf(goodToken).Name == "" || token.KindOf("x").Name != "" {
		t.Error("kinds of tokens")
	}
}
