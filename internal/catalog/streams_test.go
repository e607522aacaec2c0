package catalog_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/tail"
	"syncd/internal/worldtest"
)

// The contract between the table of streams, the schema and the simulated Polar.
func TestStreamsContract(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{Metrics: true})
	tables := map[string]string{} // table -> what it belongs to
	for _, s := range catalog.Entries() {
		if was := tables[s.Name]; was != "" {
			t.Errorf("%s belongs to %s and to itself", s.Name, was)
		}
		tables[s.Name] = "stream " + s.Name
		for _, c := range s.Children {
			tables[c.Name] = "child of " + s.Name
		}
	}
	rows, err := h.Store.Pool().Query(t.Context(), `
		SELECT c.relname, COALESCE(obj_description(c.oid), ''),
		       (SELECT COALESCE(string_agg(a.attname, ' ' ORDER BY a.attnum), '') FROM pg_attribute a
		        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL)
		FROM pg_class c WHERE c.relnamespace::regnamespace::text = ANY(current_schemas(false)) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ('sync_migrations', 'changes')`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var name, comment, bare string
	if _, err := pgx.ForEachRow(rows, []any{&name, &comment, &bare}, func() error {
		found[name] = true
		if comment == "" {
			t.Errorf("table %s has no comment", name)
		}
		if bare != "" {
			t.Errorf("table %s: columns without a comment: %s", name, bare)
		}
		if tables[name] == "" && !strings.HasPrefix(name, "sync_") {
			t.Errorf("table %s belongs to no stream", name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for table, of := range tables {
		if !found[table] {
			t.Errorf("%s has no table %s", of, table)
		}
	}

	for _, s := range catalog.Entries() {
		for _, table := range append([]string{s.Name}, childNames(s)...) {
			records := worldtest.Query[bool](t, h, `SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '`+table+`'::regclass AND tgname = 'record_change')`)
			if records == (s.NoHistory != "") {
				t.Errorf("%s: changes are recorded: %v; the entry says %q", table, records, s.NoHistory)
			}
		}
	}

	h.SyncAll(t)
	h.Equal(t)
	for table, of := range tables {
		if n := len(h.Stored(t, table, "true")); n == 0 && table != "organization_access_tokens" {
			t.Errorf("%s: the simulated Polar has nothing for it, so no test sees it", of)
		}
	}
}

func childNames(s catalog.Entry) (names []string) {
	for _, c := range s.Children {
		names = append(names, c.Name)
	}
	return names
}

// An entry that is made wrong is refused at start, with the stream's name.
func TestStreamsContractRefuses(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	for name, spoil := range map[string]func(*catalog.Entry){
		"no path":                   func(s *catalog.Entry) { s.Path = "orders" },
		"no scan":                   func(s *catalog.Entry) { s.Scan = nil },
		"no scope":                  func(s *catalog.Entry) { s.Scope = "" },
		"no table":                  func(s *catalog.Entry) { s.Table = store.Table{} },
		"drops a column":            func(s *catalog.Entry) { s.Embedded = append(s.Embedded, "currency") },
		"parent of a child":         func(s *catalog.Entry) { s.Children = []streams.Child{s.Children[0]}; s.Children[0].Parent = "orderid" },
		"key of a child":            func(s *catalog.Entry) { s.Children = []streams.Child{s.Children[0]}; s.Children[0].Key = "item_id" },
		"reference not told of":     func(s *catalog.Entry) { s.Audit.Refers = nil },
		"reference by no column":    func(s *catalog.Entry) { s.Audit.Loose = append(s.Audit.Loose, "benefit_id") },
		"windows not told of":       func(s *catalog.Entry) { s.Blind = "" },
		"tail without a blind spot": func(s *catalog.Entry) { s.Tail.Unseen = "" },
		"probe twice":               func(s *catalog.Entry) { s.Tail.Slow = append(s.Tail.Slow, tail.Since{}) },
		"child that is a column":    func(s *catalog.Entry) { s.Children = []streams.Child{s.Children[0]}; s.Children[0].Field = "metadata" },
	} {
		streams := catalog.Entries()
		for i := range streams {
			if streams[i].Name == "orders" {
				spoil(&streams[i])
			}
		}
		_, err := catalog.New(catalog.Config{Config: mirror.Config{Store: h.Store}, Entries: streams})
		if err == nil || !strings.Contains(err.Error(), `"orders"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
