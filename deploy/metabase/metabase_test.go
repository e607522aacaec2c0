package metabase

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"syncd/internal/localpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type field struct {
	ID     int     `json:"id"`
	Name   string  `json:"name"`
	Type   *string `json:"semantic_type"`
	Target *int    `json:"fk_target_field_id"`
}

// server answers as Metabase does where the script asks. Source: the pages api/database and api/field of Metabase's documentation.
type server struct {
	mu     sync.Mutex
	tables map[string][]*field
	byID   []*field
	puts   int
}

const key = "mb_not-a-real-one"

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{tables: map[string][]*field{}}
	for _, name := range pgtest.List(t, pgtest.Connect(t, pgtest.Migrated(t)), `
		SELECT c.relname || '.' || a.attname || CASE WHEN i.indrelid IS NOT NULL THEN ' PK' ELSE '' END
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indkey::text = a.attnum::text
		WHERE c.relnamespace = 'polar'::regnamespace AND c.relkind IN ('r', 'p', 'v') ORDER BY 1`) {
		name, isKey := strings.CutSuffix(name, " PK")
		table, column, _ := strings.Cut(name, ".")
		f := &field{ID: 100 + len(s.byID), Name: column}
		if isKey { // Metabase finds these by itself
			f.Type = new(string)
			*f.Type = "type/PK"
		}
		s.tables[table], s.byID = append(s.tables[table], f), append(s.byID, f)
	}
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("x-api-key") != key {
		http.Error(w, "Unauthenticated", http.StatusUnauthorized)
		return
	}
	number, isField := strings.CutPrefix(r.URL.Path, "/api/field/")
	id, err := strconv.Atoi(number)
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/api/database/7/metadata":
		type table struct {
			Name   string   `json:"name"`
			Schema string   `json:"schema"`
			Fields []*field `json:"fields"`
		}
		list := []table{{"orders", "another", []*field{{ID: 1, Name: "customer_id"}}}}
		for name, fields := range s.tables {
			list = append(list, table{name, "polar", fields})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"tables": list})
	case r.Method == http.MethodPut && isField && err == nil && id >= 100 && id < 100+len(s.byID):
		s.puts++
		if err := json.NewDecoder(r.Body).Decode(s.byID[id-100]); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	default:
		http.Error(w, "Not found.", http.StatusNotFound)
	}
}

// run runs the script, and returns what it says.
func run(t *testing.T, url, key string, args ...string) (said string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./keys.sh", args...)
	cmd.Env = append(os.Environ(), "METABASE_URL="+url+"/", "METABASE_API_KEY="+key)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// The script sets each key once, to the column id of the table that is meant, and tells what is wrong.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s, which the script needs", program)
		}
	}
	s := newServer(t)
	at := httptest.NewServer(s)
	defer at.Close()
	for _, tc := range []struct {
		key, want string
		args      []string
	}{
		{"wrong", "is the number right, and the key?", []string{"7"}},
		{key, "is the number right, and the key?", []string{"8"}},
		{key, "knows no table of the schema elsewhere", []string{"7", "elsewhere"}},
		{"", "METABASE_API_KEY is not set", []string{"7"}},
		{key, "usage: keys.sh DATABASE", nil},
	} {
		if said, err := run(t, at.URL, tc.key, tc.args...); err == nil || !strings.Contains(said, tc.want) || strings.Contains(said, key) {
			t.Errorf("%v: %s %v", tc.args, said, err)
		}
	}
	said, err := run(t, at.URL, key, "7")
	if err != nil || said != fmt.Sprintf("%d fields changed\n", s.puts) || s.puts < 200 {
		t.Fatalf("%s, %d requests, %v", said, s.puts, err)
	}
	was := s.puts
	if said, err := run(t, at.URL, key, "7", "polar"); err != nil || said != "0 fields changed\n" || s.puts != was {
		t.Errorf("a second time: %s, %v", said, err)
	}
	column := func(table, name string) *field {
		at := slices.IndexFunc(s.tables[table], func(f *field) bool { return f.Name == name })
		if at < 0 {
			t.Fatalf("there is no %s.%s", table, name)
		}
		return s.tables[table][at]
	}
	for from, to := range map[string]string{
		"orders.customer_id": "customers", "orders_live.customer_id": "customers_live", "orders_enriched.product_id": "products_live",
		"order_items.order_id": "orders", "mrr_daily.product_id": "products_live", "subscription_history.customer_id": "customers_live",
	} {
		table, name, _ := strings.Cut(from, ".")
		f, target := column(table, name), column(to, "id")
		if f.Type == nil || *f.Type != "type/FK" || f.Target == nil || *f.Target != target.ID || target.Type == nil || *target.Type != "type/PK" {
			t.Errorf("%s: %+v, and %s.id: %+v", from, f, to, target)
		}
	}
	// Each key is of columns that are there.
	text, err := os.ReadFile("keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Primary []string
		Foreign []struct{ Table, Column, Target string }
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, view := range keys.Primary {
		column(view, "id")
	}
	for _, k := range keys.Foreign {
		column(k.Table, k.Column)
		column(k.Target, "id")
	}
	if len(keys.Primary)+len(keys.Foreign) != s.puts {
		t.Errorf("%d keys, and %d fields were changed", len(keys.Primary)+len(keys.Foreign), s.puts)
	}
}
