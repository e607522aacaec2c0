package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/docs"
	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mcp"
	"syncd/internal/mcp/mcptest"
	"syncd/internal/slowtest"
	"syncd/internal/store/readers"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// verdict is what the stand-in of `syncd verify` says.
var verdict = mcp.Verdict{Stream: "customers", Verdict: "missing", Reason: "two rejects", DataThrough: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

func config(h *worldtest.Harness, change func(*mcp.Config)) mcp.Config {
	c := mcp.Config{Pool: h.Store.Pool(), Schema: "polar", Recipes: docs.Recipes, Streams: catalog.StreamsOfTables(),
		Verdicts: func(context.Context) ([]mcp.Verdict, string, error) {
			list := []mcp.Verdict{verdict}
			for _, stream := range catalog.Names() {
				if stream != verdict.Stream {
					list = append(list, mcp.Verdict{Stream: stream, Verdict: "whole", DataThrough: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)})
				}
			}
			return list, "", nil
		}}
	if change != nil {
		change(&c)
	}
	return c
}

// connect speaks with a server over a pipe.
func connect(t *testing.T, c mcp.Config) session {
	t.Helper()
	server, err := mcp.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return session{mcptest.Pipe(t, server)}
}

type session struct{ mcptest.Session }

type args map[string]any

// What an assistant must not get, and what it is told instead. What Postgres itself refuses is tried in internal/store/readers, without these words.
var attacks = []struct{ sql, wrong string }{
	{"DELETE FROM customers", "only a SELECT"},
	{"WITH d AS (DELETE FROM customers RETURNING id) SELECT * FROM d", "DECLARE CURSOR must not contain data-modifying"},
	{"SELECT 1; DELETE FROM customers", "one statement"},
	{"COMMIT", "only a SELECT"},
	{"SET ROLE none", "only a SELECT"},
	{"SELECT 1; RESET ROLE", "one statement"},
	{"EXPLAIN ANALYZE DELETE FROM customers", "only a SELECT"},
	{"PREPARE p AS DELETE FROM customers", "only a SELECT"},
	{"SELECT 1) answer; DELETE FROM customers; SELECT * FROM (SELECT 1", "only a SELECT"},
	{"SELECT 1 -- ; \n; DELETE FROM customers", "one statement"},
	{"SELECT * FROM polar.customers", "schema polar is not readable"},
	{"SELECT polar.customer_state(id) FROM customers", "schema polar is not readable"},
	{"SELECT * FROM customers_as_of(now())", "only with --personal-data"},
	{"RESET ROLE", "only a SELECT"},
	{"SET TRANSACTION READ WRITE", "only a SELECT"},
	{"COPY customers TO PROGRAM 'cat'", "only a SELECT"},
	{"DO $$ BEGIN END $$", "only a SELECT"},
	{"SELECT * INTO x FROM customers", "INTO"},
	{"SELECT id FROM customers FOR UPDATE", ""},
	{"SELECT set_config('role', 'none', true)", "set_config() is not allowed"},
	{`SELECT "set_config" /* /* */ ( */ ('transaction_read_only', 'off', true)`, "set_config() is not allowed"},
	{`SELECT U&"set\005fconfig"('role', 'none', true)`, "escapes"},
	{"SELECT e'\\'', set_config('role', 'none', true), '", "set_config() is not allowed"},
	{"SELECT $a$ ' $a$, set_config('role', 'none', true)", "set_config() is not allowed"},
	{"SELECT query_to_xml('TABLE polar_sync.sync_runs', true, true, '')", "query_to_xml() is not allowed"},
	{"SELECT table_to_xml('polar_sync.sync_runs', true, true, '')", "table_to_xml() is not allowed"},
	{"SELECT pg_read_file('/etc/passwd')", "belongs to Postgres"},
	{"SELECT pg_sleep(100)", "belongs to Postgres"},
	{"SELECT lo_import('/etc/passwd')", "lo_import() is not allowed"},
	{"SELECT lo_get(1)", "lo_get() is not allowed"},
	{"SELECT dblink('x', 'y')", "does not exist"},
	{"SELECT nextval('x')", "nextval() is not allowed"},
	{"SELECT rolpassword FROM pg_authid", "belongs to Postgres"},
	{"SELECT * FROM information_schema.tables", "belongs to Postgres"},
	{"SELECT * FROM polar_sync.sync_runs", "schema polar_sync is not readable"},
	{`SELECT * FROM "polar_sync" . sync_runs`, "schema polar_sync is not readable"},
	{"SELECT * FROM sync_runs", "does not exist"},
	{"SELECT nothing FROM customers", "does not exist"},
	{"", "empty"},
}

// A reader without a login runs statements; where the connection may make none, only checks keep them, and they are the same.
func TestAttacks(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	h := worldtest.Start(t, worldtest.Setup{DSN: dsn})
	h.SyncAll(t, "customers", "orders")
	role := reader(t, dsn, readers.Change{WithoutPersonalData: true})
	requireAttacksFail(t, connect(t, config(h, func(c *mcp.Config) { c.Role = role })), role)
	if left := h.Texts(t, "SELECT count(*)::text FROM customers WHERE _deleted_at IS NULL")[0]; left == "0" {
		t.Error("the attacks have deleted what they wanted")
	}
	owner, others := pgtest.NewRole(t, pgtest.Connect(t, dsn), "")
	var said bytes.Buffer
	s := connect(t, config(h, func(c *mcp.Config) {
		own(t, dsn, owner)
		c.Pool, c.Log = pgtest.Pool(t, others), slog.New(slog.NewTextHandler(&said, nil))
	}))
	requireAttacksFail(t, s, owner)
	if !strings.Contains(said.String(), "rights of the connection") || !strings.Contains(said.String(), "CREATE ROLE") || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("that there is no reader is not told in one line: %s", &said)
	}
}

// own gives a role all that syncd has made, and not the right to make roles.
func own(t *testing.T, dsn, role string) {
	t.Helper()
	admin := pgtest.Connect(t, dsn)
	for _, sql := range pgtest.List(t, admin, `
		SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, $1::text) FROM pg_namespace WHERE nspname LIKE 'polar%'
		UNION ALL SELECT format('ALTER TABLE %I.%I OWNER TO %I', schemaname, tablename, $1) FROM pg_tables WHERE schemaname LIKE 'polar%'
		UNION ALL SELECT format('ALTER VIEW %I.%I OWNER TO %I', schemaname, viewname, $1) FROM pg_views WHERE schemaname LIKE 'polar%'`, role) {
		pgtest.Exec(t, admin, sql)
	}
}

// reader is a role with rights given by syncd grant.
func reader(t *testing.T, dsn string, c readers.Change) string {
	t.Helper()
	c.Role, _ = pgtest.NewRole(t, pgtest.Connect(t, dsn), "")
	if err := readers.Apply(t.Context(), pgtest.Pool(t, dsn), "polar", c); err != nil {
		t.Fatal(err)
	}
	return c.Role
}

func requireAttacksFail(t *testing.T, s session, role string) {
	t.Helper()
	if out, wrong := s.Call(t, "run_sql", args{"sql": "SELECT current_user::text"}); !strings.Contains(out, role) {
		t.Errorf("statements run as %s%s, want %s", out, wrong, role)
	}
	for _, a := range attacks {
		if out, wrong := s.Call(t, "run_sql", args{"sql": a.sql}); out != "" || !strings.Contains(wrong, a.wrong) {
			t.Errorf("%s\nanswers %.200s\nsays %s\nwant %s", a.sql, out, wrong, a.wrong)
		}
	}
	for tool, in := range map[string]args{
		"run_sql": {"sql": "SELECT 1", "force": true}, "list_customers": {"filters": args{"colour": "red"}}, "answer_question": {"number": 99}, "describe_table": {"table": "sync_runs"},
	} {
		if out, wrong := s.Call(t, tool, in); wrong == "" {
			t.Errorf("%s takes %v: %s", tool, in, out)
		}
	}
	if out, wrong := s.Call(t, "run_sql", args{"sql": "SELECT count(*), 'a;b', (SELECT 1.50) FROM customers; -- all"}); !strings.Contains(out, `,"a;b",1.50]`) || !strings.Contains(out, `"data_through":"2026-11-01T00:00:00Z","verdict":"not known to be whole"`) || strings.Contains(out, `"orders"`) {
		t.Error(out, wrong)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	s := connect(t, config(h, func(c *mcp.Config) { c.MaxBytes, c.Timeout = 10_000, time.Minute }))
	for sql, want := range map[string]string{
		"SELECT generate_series(1, 1000000000)":                        "stopped after 200 rows: add LIMIT or aggregate",
		"SELECT repeat('x', 3000) FROM generate_series(1, 9)":          "stopped after 3 rows, at 10000 bytes",
		"SELECT repeat('\"', 3000) || '\\' FROM generate_series(1, 9)": "stopped after 3 rows, at 10000 bytes",
		"SELECT NULL, '' FROM generate_series(1, 200)":                 `[null,""]],"about"`,
		"SELECT repeat('x', 20000)":                                    "a row has more than 10000 bytes",
		"SELECT repeat('x', 10000000)":                                 "a row has more than 10000 bytes",
		"SELECT 1":                                                     "[[1]]", // connections still work
	} {
		if out, wrong := s.Call(t, "run_sql", args{"sql": sql}); !strings.Contains(out+wrong, want) {
			t.Errorf("%s: %.300s%s", sql, out, wrong)
		}
	}
	s = connect(t, config(h, func(c *mcp.Config) { c.Timeout = 500 * time.Millisecond }))
	if out, wrong := s.Call(t, "run_sql", args{"sql": "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000)"}); !strings.Contains(wrong, "stopped after 500ms") {
		t.Errorf("%.300s%s", out, wrong)
	}
}

// A role reads what it was granted, and must be a reader of the schema that answers come from.
func TestRole(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	h := worldtest.Start(t, worldtest.Setup{DSN: dsn})
	h.SyncAll(t, "products", "customers")
	all, safe := reader(t, dsn, readers.Change{}), reader(t, dsn, readers.Change{WithoutPersonalData: true})
	some, _ := pgtest.NewRole(t, admin, "")
	both := reader(t, dsn, readers.Change{WithoutPersonalData: true})
	pgtest.Exec(t, admin, "GRANT USAGE ON SCHEMA polar TO "+both, "GRANT USAGE ON SCHEMA polar TO "+some, "GRANT SELECT ON polar.products, polar.products_live TO "+some)
	for _, tc := range []struct {
		role     string
		personal bool
		wrong    string
	}{
		{"nobody_at_all", false, "does not exist"},
		{safe, true, "run syncd grant " + safe},
		{all, false, "run syncd grant " + all + " --without-personal-data"},
		{both, false, "may use the schema polar, which has personal data: run syncd grant " + both + " --without-personal-data"},
		{some, false, "run syncd grant " + some + " --without-personal-data"},
		{admin.Config().User, false, "give readers a role of their own"},
	} {
		_, err := mcp.New(t.Context(), config(h, func(c *mcp.Config) { c.Role, c.PersonalData = tc.role, tc.personal }))
		if err == nil || !errors.Is(err, readers.ErrRole) || !strings.Contains(err.Error(), tc.wrong) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	s := connect(t, config(h, func(c *mcp.Config) { c.Role, c.PersonalData = some, true }))
	if out, wrong := s.Call(t, "run_sql", args{"sql": "SELECT count(*) FROM customers"}); !strings.Contains(wrong, "may not read") {
		t.Error(out, wrong)
	}
	if out, wrong := s.Call(t, "list_customers", nil); !strings.Contains(wrong, "may not be read") {
		t.Error(out, wrong)
	}
	if out, wrong := s.Call(t, "list_products", nil); !strings.Contains(out, `"verdict"`) {
		t.Error(out, wrong)
	}
	if out, _ := s.Call(t, "list_tables", nil); strings.Contains(out, `"name":"customers"`) || !strings.Contains(out, `"products"`) {
		t.Error(out)
	}
}

// Without --personal-data nobody reads personal data, however it is asked for, and all else works by pseudonyms. The reader is syncd's own.
func TestWithoutPersonalData(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t, "products", "customers", "orders", "subscriptions", "benefits", "benefit_grants", "customer_meters", "members")
	s := connect(t, config(h, nil))
	if said := s.InitializeResult().Instructions; !strings.Contains(said, "pseudonym") {
		t.Errorf("assistants are not told of pseudonyms: %s", said)
	}
	var list struct{ Tables []struct{ Name string } }
	out, wrong := s.Call(t, "list_tables", nil)
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Tables) < 90 {
		t.Fatal(len(list.Tables), wrong, err)
	}
	email := h.Texts(t, "SELECT email FROM customers_live ORDER BY id LIMIT 1")[0]
	queries := []string{"SELECT customer_state(id) FROM customers", "SELECT to_jsonb(c) FROM customers c", "SELECT c FROM customers c", "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers"}
	for _, table := range list.Tables {
		queries = append(queries, "SELECT * FROM "+table.Name)
	}
	emails := h.Texts(t, "SELECT email FROM customers WHERE email <> ''")
	for _, sql := range queries {
		out, wrong := s.Call(t, "run_sql", args{"sql": sql})
		if wrong != "" || slices.ContainsFunc(emails, func(email string) bool { return strings.Contains(out, email) }) {
			t.Errorf("%s: %.300s %s", sql, out, wrong)
		}
	}
	if out, wrong := s.Call(t, "run_sql", args{"sql": "SELECT current_user::text, count(*) > 5, count(DISTINCT email) > 5 FROM customers c JOIN orders_enriched o ON o.customer_email = c.email"}); !strings.Contains(out, `["polar_safe_reader",true,true]`) {
		t.Error(out, wrong)
	}
	if out, _ := s.Call(t, "describe_table", args{"table": "customers"}); !strings.Contains(out, `"personal":"identifier"`) || !strings.Contains(out, "PRIMARY KEY") || !strings.Contains(out, `"kind":"table"`) {
		t.Error(out)
	}
	for tool, in := range map[string]args{
		"list_customers": {"filters": args{"email": email}}, "list_orders": {"filters": args{"customer_email": email}}, "customer_state": {"email": email}, "list_members": {"filters": args{"name": "x"}},
	} {
		if out, wrong := s.Call(t, tool, in); !strings.Contains(wrong, "--personal-data") {
			t.Errorf("%s: %s%s", tool, out, wrong)
		}
	}
	hidden := h.Texts(t, "SELECT email FROM polar_safe.customers c WHERE id = (SELECT id FROM customers_live ORDER BY id LIMIT 1)")[0]
	id := h.Texts(t, "SELECT min(id::text) FROM customers_live")[0]
	for tool, in := range map[string]args{"list_customers": {"filters": args{"email": hidden}}, "customer_state": {"email": hidden}, "list_orders": {"filters": args{"customer_email": hidden}}} {
		if out, wrong := s.Call(t, tool, in); wrong != "" || tool != "list_orders" && !strings.Contains(out, id) {
			t.Errorf("%s by a pseudonym: %.300s %s", tool, out, wrong)
		}
	}
}

// A session over HTTP: it finds customers and what belongs to them, goes through lists page by page, and hears with each answer how far it can be trusted.
func TestSessionOverHTTP(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t)
	server, err := mcp.New(t.Context(), config(h, func(c *mcp.Config) { c.PersonalData = true }))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, server)
	requireAbout(t, h, s)
	requireLists(t, h, s)
	requireErrors(t, s)
	if res, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "syncd://dictionary"}); err != nil || !strings.Contains(res.Contents[0].Text, "orders_enriched") {
		t.Error(err)
	}
}

var trusted = regexp.MustCompile(`"about":\{"data_through":"2026-11-0[12]T00:00:00Z","verdict":"(whole|not known to be whole)","streams":\[\{`)

// requireAbout wants of each tool that its answers say how fresh and how whole they are.
func requireAbout(t *testing.T, h *worldtest.Harness, s session) {
	t.Helper()
	tools, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]args{"run_sql": {"sql": "SELECT count(*) FROM orders"}, "describe_table": {"table": "orders"}, "answer_question": {"number": 8},
		"customer_state": {"id": h.Texts(t, "SELECT min(id::text) FROM customers_live")[0]}}
	for _, tool := range tools.Tools {
		out, wrong := s.Call(t, tool.Name, in[tool.Name])
		if wrong != "" || !trusted.MatchString(out) || tool.Annotations == nil || !tool.Annotations.ReadOnlyHint {
			t.Errorf("%s: %.300s %s", tool.Name, out, wrong)
		}
	}
	if len(tools.Tools) != 17 {
		t.Errorf("%d tools", len(tools.Tools))
	}
	if out, _ := s.Call(t, "list_orders", nil); !strings.Contains(out, `"verdict":"whole","streams":[{"stream":"orders"`) {
		t.Error(out)
	}
}

type page struct {
	Columns []string
	Rows    [][]any
	Next    string `json:"next_cursor"`
}

func (s session) page(t *testing.T, tool string, in args) (p page) {
	t.Helper()
	out, wrong := s.Call(t, tool, in)
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(tool, in, err, wrong)
	}
	return p
}

// requireLists wants what filters and pages give to be what SQL does.
func requireLists(t *testing.T, h *worldtest.Harness, s session) {
	t.Helper()
	customer := h.Texts(t, "SELECT customer_id::text FROM orders_live JOIN customers_live c ON c.id = customer_id WHERE external_id <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0]
	of := func(column string) string {
		return h.Texts(t, "SELECT "+column+" FROM customers WHERE id = '"+customer+"'")[0]
	}
	month := h.Texts(t, "SELECT date_trunc('month', max(created_at))::date::text FROM orders_live")[0]
	for _, l := range []struct {
		tool string
		in   args
		want string // how many
	}{
		{"customers", args{"filters": args{"external_id": of("external_id")}}, "SELECT 1"},
		{"customers", args{"filters": args{"email": strings.ToUpper(of("email"))}}, "SELECT 1"},
		{"orders", args{"filters": args{"customer_external_id": of("external_id")}}, "SELECT count(*) FROM orders_live WHERE customer_id = '" + customer + "'"},
		{"orders", args{"filters": args{"customer_email": of("email"), "status": "paid"}}, "SELECT count(*) FROM orders_live WHERE status = 'paid' AND customer_id = '" + customer + "'"},
		{"payments", args{"filters": args{"customer_id": customer}}, "SELECT count(*) FROM payments_enriched WHERE customer_id = '" + customer + "'"},
		{"subscriptions", args{"filters": args{"customer_external_id": of("external_id")}}, "SELECT count(*) FROM subscriptions_live WHERE customer_id = '" + customer + "'"},
		{"subscriptions", args{"filters": args{"status": "active"}}, "SELECT count(*) FROM subscriptions_live WHERE status = 'active'"},
		{"members", args{"filters": args{"customer_id": customer}}, "SELECT count(*) FROM members_live WHERE customer_id = '" + customer + "'"},
		{"orders", args{"since": month}, "SELECT count(*) FROM orders_live WHERE created_at >= '" + month + "'"},
		{"orders", args{"until": month, "filters": args{"status": "paid"}}, "SELECT count(*) FROM orders_live WHERE status = 'paid' AND created_at < '" + month + "'"},
		{"products", args{"filters": args{"is_archived": "false"}}, "SELECT count(*) FROM products_live WHERE NOT is_archived"},
		{"metrics", args{"filters": args{"slug": "orders"}}, "SELECT count(*) FROM metrics_live WHERE slug = 'orders'"},
		{"orders", args{}, "SELECT count(*) FROM orders_live"},
	} {
		seen := map[string]bool{}
		l.in["limit"] = 200
		for {
			p := s.page(t, "list_"+l.tool, l.in)
			for _, row := range p.Rows {
				seen[fmt.Sprint(row)] = true
			}
			if l.in["cursor"] = p.Next; p.Next == "" {
				break
			}
		}
		if want := h.Texts(t, "SELECT ("+l.want+")::text")[0]; fmt.Sprint(len(seen)) != want {
			t.Errorf("list_%s %v: %d rows, want %s", l.tool, l.in, len(seen), want)
		}
	}
	// The last row of a page may be deleted before the next page is read.
	first := s.page(t, "list_members", args{"limit": 3})
	h.Exec(t, "UPDATE members SET _deleted_at = now() WHERE id = $1", first.Rows[2][slices.Index(first.Columns, "id")])
	if second := s.page(t, "list_members", args{"limit": 3, "cursor": first.Next}); len(second.Rows) != 3 {
		t.Errorf("%d rows after a page whose last one is gone", len(second.Rows))
	}
	for column, value := range map[string]string{"id": customer, "external_id": of("external_id"), "email": strings.ToUpper(of("email"))} {
		if out, wrong := s.Call(t, "customer_state", args{column: value}); !strings.Contains(out, "active_subscriptions") || !strings.Contains(out, of("email")) {
			t.Error(out, wrong)
		}
	}
}

// requireErrors wants what is wrong with arguments to be told, with what helps.
func requireErrors(t *testing.T, s session) {
	t.Helper()
	for _, e := range []struct {
		tool  string
		in    args
		wrong string
	}{
		{"list_orders", args{"filters": args{"colour": "red"}}, `orders has no column "colour", but id, `},
		{"list_products", args{"filters": args{"customer_email": "a@b.c"}}, `products has no column "customer_email"`},
		{"list_orders", args{"filters": args{"id": "one"}}, `invalid input syntax for type uuid: "one"`},
		{"list_orders", args{"since": "some day"}, `invalid input syntax for type timestamp with time zone: "some day"`},
		{"list_orders", args{"limit": 1000}, "limit: 1000 is not between 1 and 200"},
		{"list_orders", args{"cursor": "2"}, `"2" is not the next_cursor`},
		{"list_orders", args{"status": "paid"}, "status"},
		{"customer_state", args{}, "give one of"},
		{"customer_state", args{"id": "x", "email": "y"}, "give one of"},
		{"customer_state", args{"external_id": "nobody"}, "no such customer"},
		{"describe_table", args{"table": "polar.orders"}, "list_tables lists them"},
		{"answer_question", args{"number": 26}, "has 1 to 25"},
		{"answer_question", args{"number": 1}, "needs date1"},
		{"answer_question", args{"number": 1, "parameters": args{"date1": "2026-01-01' OR true --"}}, "no day"},
		{"answer_question", args{"number": 1, "parameters": args{"date1": "2026-01-01", "day": "1"}}, "has no parameter day"},
		{"run_sql", args{}, "sql"},
	} {
		if out, wrong := s.Call(t, e.tool, e.in); !strings.Contains(wrong, e.wrong) {
			t.Errorf("%s %v: %.200s%s; want %s", e.tool, e.in, out, wrong, e.wrong)
		}
	}
}

// serve starts a server over HTTP and connects to it with the token, after trying to get in in other ways.
func serve(t *testing.T, server *mcp.Server) session {
	t.Helper()
	s, at, transport := mcptest.HTTP(t, server)
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized},
		{"wrong token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, http.StatusUnauthorized},
		{"page of another site", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		{"rebound name", func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+mcptest.Token)
		c.change(r)
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: %s", c.name, res.Status)
		}
	}
	return session{s}
}

func TestListenNeedsAToken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "db.internal:80"} {
		if l, err := mcp.Listen(t.Context(), addr, ""); err == nil || !strings.Contains(err.Error(), "SYNCD_MCP_TOKEN_FILE") {
			t.Errorf("%s: %v %v", addr, l, err)
		}
	}
}
