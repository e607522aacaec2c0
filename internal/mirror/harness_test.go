package mirror_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const token = "polar_oat_test"

// harness is a simulated organization, its HTTP server, a database and an engine between them.
type harness struct {
	*catalog.Mirror
	world   *polarsim.World
	server  *polarsim.Server
	http    *httptest.Server
	store   *store.Store
	metrics bool
	direct  string // as in setup
}

type setup struct {
	world  polarsim.Options
	server polarsim.ServerOptions
	mirror func(*catalog.Config)
	dsn    string // "" = a fresh migrated database
	direct string // of the database itself, where dsn is that of a pooler before it
	schema string // "" = polar
	// metrics are fifty rows a day whatever the size of the organization, events twenty times as many as customers; a test
	// that is not about them does without both. One that is looks at the organization as it was fourteen months after the first
	// day of which Polar has metrics: enough that its days take more than one request.
	metrics bool
}

func start(t *testing.T, s setup) *harness {
	t.Helper()
	if s.world.Customers == 0 {
		s.world.Customers = 30
	}
	if s.world.Seed == 0 {
		s.world.Seed = 1
	}
	if s.metrics && s.world.Now.IsZero() {
		s.world.Now = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	}
	if s.dsn == "" {
		s.dsn = pgtest.Migrated(t)
	}
	if s.schema == "" {
		s.schema = "polar"
	}
	h := &harness{world: polarsim.NewWorld(s.world), direct: s.direct}
	h.server = polarsim.NewServer(h.world, s.server)
	h.http = httptest.NewServer(h.server)
	t.Cleanup(h.http.Close)
	var err error
	h.store, err = store.Open(t.Context(), store.Config{DSN: s.dsn, Schema: s.schema, MaxConns: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.store.Close)
	h.metrics = s.metrics
	h.Mirror = h.runner(t, s.mirror)
	return h
}

// runner is another process over the same database and server.
func (h *harness) runner(t *testing.T, change func(*catalog.Config)) *catalog.Mirror {
	t.Helper()
	client, err := fetch.New(fetch.Config{
		Server: h.http.URL, Token: token, RequestsPerMinute: -1,
		Backoff: func(int) time.Duration { return time.Millisecond },
		Now:     h.world.Now, MaxPause: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := catalog.Config{Config: mirror.Config{Client: client, Store: h.store}}
	if !h.metrics {
		c.Entries = slices.DeleteFunc(catalog.Entries(), func(s catalog.Entry) bool { return strings.HasPrefix(s.Name, "metrics") || s.Name == "events" })
	}
	if change != nil {
		change(&c)
	}
	r, err := catalog.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sync runs the streams and wants each of them whole.
func (h *harness) sync(t *testing.T, names ...string) map[string]mirror.Result {
	t.Helper()
	results, err := h.Sync(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]mirror.Result{}
	for _, r := range results {
		if !r.Whole() {
			t.Errorf("%s: %s: %s", r.Stream, r.Outcome, r.Reason)
		}
		by[r.Stream] = r
	}
	return by
}

func (h *harness) call(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.http.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// list reads the pages of a list over HTTP, in the plainest way there is.
func (h *harness) list(t *testing.T, path string, query url.Values) (all []map[string]any, total int) {
	t.Helper()
	for page := 1; ; page++ {
		q := url.Values{"limit": {"100"}, "page": {fmt.Sprint(page)}}
		for k, v := range query {
			q[k] = v
		}
		status, body := h.call(t, http.MethodGet, path+"?"+q.Encode(), "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		var list struct {
			Items      []map[string]any
			Pagination struct {
				TotalCount int `json:"total_count"`
				MaxPage    int `json:"max_page"`
			}
		}
		decode(t, body, &list)
		all = append(all, list.Items...)
		if page >= list.Pagination.MaxPage {
			return all, list.Pagination.TotalCount
		}
	}
}

func decode(t *testing.T, body []byte, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
}

// upstream is all that Polar has of a stream, read without any of syncd's code.
func (h *harness) upstream(t *testing.T, s catalog.Entry) []map[string]any {
	t.Helper()
	switch s.Name {
	case "metric_dashboards":
		_, body := h.call(t, http.MethodGet, s.Path, "")
		var list []map[string]any
		decode(t, body, &list)
		return list
	case "customer_seats", "license_key_activations", "payment_methods":
		return h.ofOwners(t, s)
	case "events":
		return h.all(t, s.Path, url.Values{"sorting": {"timestamp"}})
	case "customer_meters":
		all := h.all(t, s.Path, url.Values{"sorting": {"customer_id", "meter_id"}})
		for _, m := range h.all(t, "/v1/meters/", url.Values{"is_archived": {"true"}}) {
			all = append(all, h.all(t, s.Path, url.Values{"meter_id": {m["id"].(string)}, "sorting": {"customer_id"}})...)
		}
		return all
	}
	return h.all(t, s.Path, url.Values{})
}

// all reads a list until every row that it counts has come, each time with pages of another size: at a border of pages ties
// may hide a row, and the same pages hide it each time.
func (h *harness) all(t *testing.T, path string, query url.Values) []map[string]any {
	t.Helper()
	var list []map[string]any
	seen := map[any]bool{}
	for n := range 60 {
		q := url.Values{"limit": {fmt.Sprint(100 - n)}}
		maps.Copy(q, query)
		items, total := h.list(t, path, q)
		for _, item := range items {
			if !seen[item["id"]] {
				seen[item["id"]] = true
				list = append(list, item)
			}
		}
		if len(list) == total {
			return list
		}
	}
	t.Fatalf("%s: %d rows never came together", path, len(list))
	return nil
}

// texts are the rows of a query for one text.
func (h *harness) texts(t *testing.T, sql string) []string {
	t.Helper()
	rows, err := h.store.Pool().Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// stored is a table as JSON objects, by id (and parent for child tables).
func (h *harness) stored(t *testing.T, table, where string) []map[string]any {
	t.Helper()
	texts := h.texts(t, "SELECT to_jsonb(t)::text FROM "+pgx.Identifier{table}.Sanitize()+" t WHERE "+where)
	list := make([]map[string]any, len(texts))
	for i, text := range texts {
		decode(t, []byte(text), &list[i])
	}
	return list
}

// equal demands that the mirror holds what the API shows, field by field, children included, and nothing else.
func (h *harness) equal(t *testing.T, names ...string) {
	t.Helper()
	for _, s := range catalog.Entries() {
		if s.Optional || s.Name == "metrics" || s.Name == "events" && !h.metrics || strings.HasSuffix(s.Name, "_export") || (len(names) > 0 && !slices.Contains(names, s.Name)) {
			continue
		}
		want := h.upstream(t, s)
		for _, item := range want {
			conceal(item, s.Shape().SecretFields())
		}
		got := map[any]map[string]any{}
		// A copy of what Polar no longer lists stands in for it until the stream's own sweep has asked for it by id.
		for _, row := range h.stored(t, s.Name, "_deleted_at IS NULL AND NOT EXISTS (SELECT FROM sync_stubs c WHERE c.stream = '"+s.Name+"' AND c.id = t.id AND c.resolved_at IS NULL)") {
			got[row["id"]] = row
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, the API has %d", s.Name, len(got), len(want))
		}
		children := map[string]map[any][]map[string]any{}
		for _, c := range s.Children {
			children[c.Field] = map[any][]map[string]any{}
			for _, row := range h.stored(t, c.Name, "_removed_at IS NULL ORDER BY _position") {
				children[c.Field][row[c.Parent]] = append(children[c.Field][row[c.Parent]], row)
			}
		}
		for _, item := range want {
			id := item["id"]
			row := got[id]
			if row == nil {
				t.Errorf("%s %v is missing", s.Name, id)
				continue
			}
			for _, c := range s.Children {
				list, _ := item[c.Field].([]any)
				rows := children[c.Field][id]
				if len(list) != len(rows) {
					t.Errorf("%s %v: %d %s, the API has %d", s.Name, id, len(rows), c.Name, len(list))
					continue
				}
				for i, el := range list {
					element := el.(map[string]any)
					if c.OnlyKey {
						element = map[string]any{"id": element["id"]}
					}
					if c.Key != "id" {
						element[c.Key] = element["id"]
						delete(element, "id")
					}
					delete(rows[i], c.Parent)
					if _, is := element[c.Parent]; is {
						rows[i][c.Parent] = element[c.Parent] // its own field of that name is checked nowhere else
					}
					same(t, fmt.Sprintf("%s %v %s", s.Name, id, c.Name), without(element, c.Embedded), rows[i])
				}
				delete(item, c.Field)
			}
			for column, field := range s.Lifted {
				if inside, ok := item[field].(map[string]any); ok {
					item[column] = inside["id"]
				}
			}
			same(t, fmt.Sprintf("%s %v", s.Name, id), without(item, s.Embedded), row)
		}
		if t.Failed() {
			t.Logf("stopped comparing after %s", s.Name)
			return
		}
	}
}

// conceal leaves out the fields of these names, at any depth, except in what the organization made up itself.
func conceal(v any, names []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			switch {
			case slices.Contains(names, name):
				delete(v, name)
			case name != "meta" && !strings.HasSuffix(name, "metadata") && name != "custom_field_data":
				conceal(value, names)
			}
		}
	case []any:
		for _, value := range v {
			conceal(value, names)
		}
	}
}

func without(item map[string]any, names []string) map[string]any {
	for _, n := range names {
		delete(item, n)
	}
	return item
}

// same compares an API object with a row: a field without a column is in _extra, null is NULL.
func same(t *testing.T, what string, item, row map[string]any) {
	t.Helper()
	extra, _ := row["_extra"].(map[string]any)
	for name, want := range item {
		got, is := row[name]
		if !is {
			if got, is = extra[name]; !is {
				t.Errorf("%s: %s is nowhere", what, name)
			}
		}
		if !alike(got, want) {
			t.Errorf("%s: %s is %v, the API has %v", what, name, got, want)
		}
		delete(row, name)
	}
	for name, got := range row {
		if name[0] != '_' && got != nil {
			t.Errorf("%s: %s is %v, the API has no such field", what, name, got)
		}
	}
}

// alike compares JSON values: numbers by value, times by instant, "0.50" in a decimal column by value.
func alike(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k, v := range w {
			if !alike(g[k], v) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i, v := range w {
			if !alike(g[i], v) {
				return false
			}
		}
		return true
	case json.Number:
		return number(got, w.String())
	case string:
		if g, ok := got.(string); ok {
			if g == w {
				return true
			}
			a, err1 := time.Parse(time.RFC3339Nano, g)
			b, err2 := time.Parse(time.RFC3339Nano, w)
			return err1 == nil && err2 == nil && a.Equal(b)
		}
		return number(got, w) // unit_amount: digits in a string, numeric in the table
	}
	return reflect.DeepEqual(got, want)
}

func number(got any, want string) bool {
	g, ok := got.(json.Number)
	if !ok {
		return false
	}
	a, ok1 := new(big.Rat).SetString(g.String())
	b, ok2 := new(big.Rat).SetString(want)
	return ok1 && ok2 && a.Cmp(b) == 0
}

// writes counts what was ever written to the tables of streams. A session reports its statistics when it ends, so all
// of them are ended first.
func (h *harness) writes(t *testing.T) (n int64) {
	t.Helper()
	ctx := t.Context()
	h.store.Pool().Reset()
	conn, err := h.store.Pool().Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for others := 1; others > 0; {
		if err := conn.QueryRow(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	err = conn.QueryRow(ctx, `SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)
		FROM pg_stat_user_tables WHERE relname NOT LIKE 'sync\_%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
