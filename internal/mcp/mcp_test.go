package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/docs"
	"syncd/internal/catalog"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mcp"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// verdict is what the stand-in of `syncd verify` says.
var verdict = mcp.Verdict{Stream: "customers", Verdict: "missing", Reason: "two rejects", DataThrough: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

// session is an assistant's.
type session struct{ *sdk.ClientSession }

func config(h *worldtest.Harness, change func(*mcp.Config)) mcp.Config {
	c := mcp.Config{Pool: h.Store.Pool(), Schema: "polar", Recipes: docs.Recipes, PersonalData: true,
		Personal: map[string]map[string]bool{}, Streams: map[string]string{"customers": "customers", "orders": "orders"},
		Verdicts: func(context.Context) ([]mcp.Verdict, string, error) {
			return []mcp.Verdict{verdict, {Stream: "orders", Verdict: "whole", DataThrough: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}}, "", nil
		}}
	for table, columns := range catalog.PersonalData() {
		c.Personal[table] = map[string]bool{}
		for column, treatment := range columns {
			c.Personal[table][column] = treatment != catalog.None
		}
	}
	if change != nil {
		change(&c)
	}
	return c
}

// connect speaks with a server as over stdio: one message a line, over a pipe.
func connect(t *testing.T, c mcp.Config) session {
	t.Helper()
	server, err := mcp.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- server.Run(ctx, &sdk.IOTransport{Reader: there, Writer: there}) }()
	client, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.IOTransport{Reader: here, Writer: here}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return session{client}
}

// call returns the answer of a tool, or what it says is wrong.
func (s session) call(t *testing.T, tool string, args any) (out, wrong string) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return "", err.Error()
	}
	text := res.Content[0].(*sdk.TextContent).Text
	if res.IsError {
		return "", text
	}
	return text, ""
}

type args map[string]any

// What an assistant must not get, and what it is told instead.
var attacks = []struct{ sql, wrong string }{
	{"DELETE FROM customers", "only a SELECT"},
	{"WITH d AS (DELETE FROM customers RETURNING id) SELECT * FROM d", "DECLARE CURSOR must not contain data-modifying"},
	{"SELECT 1; DELETE FROM customers", "one statement"},
	{"COMMIT", "only a SELECT"},
	{"SET ROLE none", "only a SELECT"},
	{"RESET ROLE", "only a SELECT"},
	{"SET TRANSACTION READ WRITE", "only a SELECT"},
	{"COPY customers TO PROGRAM 'cat'", "only a SELECT"},
	{"DO $$ BEGIN END $$", "only a SELECT"},
	{"SELECT * INTO x FROM customers", "INTO"},
	{"SELECT id FROM customers FOR UPDATE", "FOR UPDATE"},
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

func TestAttacks(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t, "customers")
	s := connect(t, config(h, nil))
	for _, a := range attacks {
		if out, wrong := s.call(t, "run_sql", args{"sql": a.sql}); !strings.Contains(wrong, a.wrong) {
			t.Errorf("%s\nanswers %.200s\nsays %s\nwant %s", a.sql, out, wrong, a.wrong)
		}
	}
	for tool, in := range map[string]args{
		"run_sql": {"sql": "SELECT 1", "force": true}, "list_customers": {"filters": args{"colour": "red"}}, "answer_question": {"number": 99}, "describe_table": {"table": "sync_runs"},
	} {
		if out, wrong := s.call(t, tool, in); wrong == "" {
			t.Errorf("%s takes %v: %s", tool, in, out)
		}
	}
	if out, wrong := s.call(t, "run_sql", args{"sql": "SELECT count(*), 'a;b', (SELECT 1.50) FROM customers; -- all"}); !strings.Contains(out, `,"a;b",1.50]`) || !strings.Contains(out, `"data_through":"2026-11-01T00:00:00Z","verdict":"not known to be whole"`) || strings.Contains(out, `"orders"`) {
		t.Error(out, wrong)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	s := connect(t, config(h, func(c *mcp.Config) { c.Timeout, c.MaxBytes = 500*time.Millisecond, 10_000 }))
	for sql, want := range map[string]string{
		"SELECT * FROM generate_series(1, 1000000)":                                      "stopped after 200 rows: add LIMIT or aggregate",
		"SELECT repeat('x', 3000) FROM generate_series(1, 9)":                            "stopped after 3 rows, at 10000 bytes",
		"SELECT repeat('x', 20000)":                                                      "a row has more than 10000 bytes",
		"SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000)": "stopped after 500ms",
		"SELECT 1": "[[1]]", // connections still work
	} {
		if out, wrong := s.call(t, "run_sql", args{"sql": sql}); !strings.Contains(out+wrong, want) {
			t.Errorf("%s: %.300s%s", sql, out, wrong)
		}
	}
}

// A role reads what it was granted, and is kept; without --personal-data nobody reads personal columns, however they are asked for.
func TestRoleAndPersonalData(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := pgtest.Connect(t, dsn)
	role, _ := pgtest.NewRole(t, admin, "")
	h := worldtest.Start(t, worldtest.Setup{DSN: dsn})
	h.SyncAll(t, "products", "customers", "orders")
	pgtest.Exec(t, admin, "GRANT USAGE ON SCHEMA polar TO "+role, "GRANT SELECT ON polar.products TO "+role,
		"CREATE TABLE polar.made_by_others AS SELECT email::varchar, ARRAY[email] AS all, id FROM polar.customers")
	s := connect(t, config(h, func(c *mcp.Config) { c.Role = role }))
	if out, wrong := s.call(t, "run_sql", args{"sql": "SELECT count(*) FROM customers"}); !strings.Contains(wrong, "may not read") {
		t.Error(out, wrong)
	}
	if out, wrong := s.call(t, "run_sql", args{"sql": "SELECT current_user = '" + role + "', count(*) > 0 FROM products"}); !strings.Contains(out, "[true,true]") {
		t.Error(out, wrong)
	}
	if _, err := mcp.New(t.Context(), config(h, func(c *mcp.Config) { c.Role = "nobody_at_all" })); err == nil {
		t.Error("a role that is not there is taken")
	}
	email := h.Texts(t, "SELECT email FROM customers ORDER BY id LIMIT 1")[0]
	s = connect(t, config(h, func(c *mcp.Config) { c.PersonalData = false }))
	for _, sql := range []string{
		"SELECT * FROM customers", "SELECT c FROM customers c", "SELECT to_jsonb(c) FROM customers c", "TABLE customers_live", "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
		"SELECT email FROM customers", "SELECT email FROM polar.customers", `SELECT email FROM "polar"."customers"`, "SELECT customer_state(id) FROM customers", "SELECT * FROM customers_as_of(now())",
		"SELECT 1) x CROSS JOIN (SELECT email FROM polar.customers", "SELECT 1) x CROSS JOIN (SELECT * FROM customers", "SELECT * FROM customers AS c (a, b, c, d, e, f)",
		"SELECT * FROM customers_enriched", "SELECT * FROM made_by_others", "SELECT * FROM changes", "SELECT _hash FROM customers",
	} {
		if out, _ := s.call(t, "run_sql", args{"sql": sql}); strings.Contains(out, email) || strings.Contains(out, "@") {
			t.Errorf("%s: %.300s", sql, out)
		}
	}
	if out, wrong := s.call(t, "run_sql", args{"sql": "SELECT count(*) FROM customers c JOIN orders_enriched o ON o.customer_id = c.id"}); wrong != "" {
		t.Error(out, wrong)
	}
	if out, wrong := s.call(t, "list_customers", args{}); wrong != "" || strings.Contains(out, "@") {
		t.Errorf("%.300s %s", out, wrong)
	}
	if _, wrong := s.call(t, "list_customers", args{"filters": args{"email": email}}); !strings.Contains(wrong, "--personal-data") {
		t.Error(wrong)
	}
}

// A session over HTTP: it answers all questions, finds a customer, and goes through a list page by page.
func TestSessionOverHTTP(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{})
	h.SyncAll(t)
	server, err := mcp.New(t.Context(), config(h, nil))
	if err != nil {
		t.Fatal(err)
	}
	s := session{serve(t, server)}
	var list struct {
		Questions []struct {
			Number     int
			Parameters []struct{ Name, Example string }
		}
	}
	out, wrong := s.call(t, "list_questions", args{})
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Questions) != 25 {
		t.Fatal(len(list.Questions), wrong, err)
	}
	private, answered := connect(t, config(h, func(c *mcp.Config) { c.PersonalData = false })), 0
	for _, q := range list.Questions {
		values := args{}
		for _, p := range q.Parameters {
			values[p.Name] = p.Example
		}
		if out, wrong := s.call(t, "answer_question", args{"number": q.Number, "parameters": values}); wrong != "" || !strings.Contains(out, `"data_through"`) {
			t.Errorf("question %d: %s %.200s", q.Number, wrong, out)
		}
		if _, wrong := private.call(t, "answer_question", args{"number": q.Number, "parameters": values}); wrong == "" {
			answered++
		} else if !strings.Contains(wrong, "--personal-data") {
			t.Errorf("question %d, without personal data: %s", q.Number, wrong)
		}
	}
	if answered < 20 { // docs/mcp.md says that most are
		t.Errorf("only %d questions are answered without personal data", answered)
	}
	if _, wrong := s.call(t, "answer_question", args{"number": 1}); !strings.Contains(wrong, "needs date1") {
		t.Error(wrong)
	}
	if _, wrong := s.call(t, "answer_question", args{"number": 1, "parameters": args{"date1": "2026-01-01' OR true --"}}); !strings.Contains(wrong, "no day") {
		t.Error(wrong)
	}
	email := h.Texts(t, "SELECT email FROM customers_live ORDER BY id LIMIT 1")[0]
	if out, wrong := s.call(t, "customer_state", args{"email": strings.ToUpper(email)}); !strings.Contains(out, "active_subscriptions") {
		t.Error(out, wrong)
	}
	seen := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Columns []string
			Rows    [][]any
			Next    string `json:"next_cursor"`
		}
		out, wrong := s.call(t, "list_customers", args{"limit": 7, "cursor": cursor})
		if err := json.Unmarshal([]byte(out), &page); err != nil {
			t.Fatal(err, wrong)
		}
		for _, row := range page.Rows {
			seen[fmt.Sprint(row)] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if n := h.Texts(t, "SELECT count(*)::text FROM customers_live")[0]; fmt.Sprint(len(seen)) != n {
		t.Errorf("%d customers on all pages, want %s", len(seen), n)
	}
	for _, tool := range []string{"list_tables", "list_orders", "list_subscriptions", "list_payments", "list_members", "list_meters", "list_customer_meters", "list_products", "list_refunds", "list_metric_dashboards", "list_metrics"} {
		if _, wrong := s.call(t, tool, args{}); wrong != "" {
			t.Errorf("%s: %s", tool, wrong)
		}
	}
	if res, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "syncd://dictionary"}); err != nil || !strings.Contains(res.Contents[0].Text, "orders_enriched") {
		t.Error(err)
	}
}

const token = "one-that-nobody-guesses"

// serve starts a server over HTTP and connects to it with the token, after trying to get in in other ways.
func serve(t *testing.T, server *mcp.Server) *sdk.ClientSession {
	t.Helper()
	l, err := mcp.Listen(t.Context(), "127.0.0.1:0", token)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, token) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		cancel()
		transport.CloseIdleConnections()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	at := "http://" + l.Addr().String() + "/mcp"
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
		r.Header.Set("Authorization", "Bearer "+token)
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
	client := &http.Client{Transport: bearer{transport}}
	s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: at, HTTPClient: client, DisableStandaloneSSE: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

type bearer struct{ next http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.next.RoundTrip(r)
}

func TestListenNeedsAToken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "db.internal:80"} {
		if l, err := mcp.Listen(t.Context(), addr, ""); err == nil || !strings.Contains(err.Error(), "SYNCD_MCP_TOKEN_FILE") {
			t.Errorf("%s: %v %v", addr, l, err)
		}
	}
}
