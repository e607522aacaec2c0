package migrations_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver goose works through
	"github.com/pressly/goose/v3"

	"syncd/internal/localpg/pgtest"
	"syncd/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// schema needs quoting wherever it is named: migrations that named one would fail or land elsewhere.
const schema = "bill-2"

// books is the schema of the bookkeeping.
const books = schema + "_sync"

// open gives a database whose search_path is schema and that of its bookkeeping, and goose on it.
func open(t *testing.T) (*sql.DB, *goose.Provider) {
	t.Helper()
	conn, err := sql.Open("pgx", pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	conn.SetMaxOpenConns(1) // SET holds for one connection
	for _, statement := range []string{`CREATE SCHEMA "bill-2"`, `SET search_path TO "bill-2", "bill-2_sync"`} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	return conn, provider
}

func up(t *testing.T, p *goose.Provider) {
	t.Helper()
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// lines runs a query of one text column.
func lines(t *testing.T, conn *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every column in order of its place, with type, null, default and comment; then every index.
const shape = `
SELECT format('%s.%s %s null=%s default=%s: %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) AS line
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace IN (to_regnamespace('"bill-2"'), to_regnamespace('"bill-2_sync"')) AND c.relkind IN ('r', 'p') AND c.relname <> 'goose_db_version'
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname IN ('bill-2', 'bill-2_sync') AND tablename <> 'goose_db_version'
ORDER BY line`

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	up(t, provider)
	first := lines(t, conn, shape)
	if len(first) < 300 {
		t.Fatalf("only %d columns and indexes after up", len(first))
	}
	if _, err := provider.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if left := lines(t, conn, shape); len(left) > 0 {
		t.Errorf("left after down: %q", left)
	}
	up(t, provider)
	if diff := cmp.Diff(first, lines(t, conn, shape)); diff != "" {
		t.Errorf("up after down differs (-first +second):\n%s", diff)
	}
}

func TestOnlyTheGivenSchema(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	up(t, provider)
	elsewhere := lines(t, conn, `
		SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ($1, $2, 'information_schema') AND n.nspname NOT LIKE 'pg\_%'`, schema, books)
	if len(elsewhere) > 0 {
		t.Errorf("made outside the schema of the connection: %q", elsewhere)
	}
}

// Readers find in the schema of the data what they want and nothing else. Migrations make each table there: that of the bookkeeping
// has to be moved, by move_bookkeeping().
func TestBookkeepingIsApart(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	up(t, provider)
	astray := lines(t, conn, `
		SELECT 'it holds bookkeeping: ' || c.relname FROM pg_class c
		WHERE c.relnamespace = to_regnamespace($1) AND c.relkind <> 'i' AND (c.relname LIKE 'sync\_%' OR c.relispartition)
		UNION ALL
		SELECT 'that of the bookkeeping holds data: ' || c.relname FROM pg_class c
		WHERE c.relnamespace = to_regnamespace($2) AND c.relkind NOT IN ('i', 'I') AND c.relname NOT LIKE 'sync\_%' AND NOT c.relispartition
		UNION ALL
		SELECT 'it holds a function for triggers and migrations: ' || p.proname FROM pg_proc p
		WHERE p.pronamespace = to_regnamespace($1) AND p.proname ~ '^(record|keep|lock|announce|move)_'`, `"`+schema+`"`, `"`+books+`"`)
	if len(astray) > 0 {
		t.Errorf("the schema of the data: %q", astray)
	}
}

func TestEverythingHasAComment(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	up(t, provider)
	if bare := lines(t, conn, `
		SELECT c.relname FROM pg_class c
		WHERE c.relnamespace IN (to_regnamespace($1), to_regnamespace($2)) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
		  AND COALESCE(obj_description(c.oid, 'pg_class'), '') = ''
		UNION ALL
		SELECT c.relname || '.' || a.attname FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace IN (to_regnamespace($1), to_regnamespace($2)) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
		  AND COALESCE(col_description(c.oid, a.attnum), '') = ''`, `"`+schema+`"`, `"`+books+`"`); len(bare) > 0 {
		t.Errorf("without a comment: %q", bare)
	}
	units := lines(t, conn, `
		SELECT c.relname || '.' || a.attname FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace IN (to_regnamespace($1), to_regnamespace($2)) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
		  AND (a.atttypid = 'timestamptz'::regtype AND col_description(c.oid, a.attnum) NOT LIKE '%UTC%'
		    OR a.attname ~ '(^|_)amount$' AND a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)
		       AND col_description(c.oid, a.attnum) NOT LIKE '%mallest unit of%')`, `"`+schema+`"`, `"`+books+`"`)
	if len(units) > 0 {
		t.Errorf("the comment lacks the unit of the amount, or the zone of the time: %q", units)
	}
}

// What every stream table promises to the mirror and to those who query it.
func TestConventions(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	up(t, provider)
	tables := lines(t, conn, `SELECT tablename FROM pg_tables WHERE schemaname = $1
		AND tablename NOT IN ('changes', 'goose_db_version') ORDER BY tablename`, schema)
	if len(tables) < 17 {
		t.Fatalf("only %d stream tables: %q", len(tables), tables)
	}
	common := []string{"_extra jsonb NOT NULL", "_hash bytea NOT NULL", "_requested_at timestamp with time zone NOT NULL", "_synced_at timestamp with time zone NOT NULL"}
	types := []string{"uuid", "timestamp with time zone", "bigint", "numeric", "text", "boolean", "jsonb"}
	for _, table := range tables {
		columns := lines(t, conn, `
			SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
			FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
			ORDER BY a.attnum`, table)
		key := lines(t, conn, `
			SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
			WHERE i.indrelid IN (to_regclass($1), to_regclass($1 || '_default')) AND i.indisprimary ORDER BY k.place`, table) // of one that is divided: of its partitions

		var ours []string
		if len(key) == 2 {
			ours = append(append([]string{"_position bigint NOT NULL"}, common...), "_removed_at timestamp with time zone")
		} else {
			ours = append(slices.Clone(common), "_deleted_at timestamp with time zone")
		}
		isOurs := func(column string) bool { return strings.HasPrefix(column, "_") }
		if got := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return !isOurs(c) }); !slices.Equal(got, ours) {
			t.Errorf("%s has syncd's columns %q, want %q", table, got, ours)
		}
		// Columns that a later migration adds come behind these.
		for i, column := range slices.DeleteFunc(columns, isOurs) {
			name, kind, _ := strings.Cut(column, " ")
			kind, required := strings.CutSuffix(kind, " NOT NULL")
			if isKey := slices.Contains(key, name); required != isKey || isKey != (i < len(key)) {
				t.Errorf("%s.%s: Polar's columns can be null but for the key, and the key comes first", table, name)
			}
			if !slices.Contains(types, kind) {
				t.Errorf("%s.%s is %s, want one of %q", table, name, kind, types)
			}
		}
	}
	if constraints := lines(t, conn, `
		SELECT conrelid::regclass || ': ' || conname FROM pg_constraint
		WHERE connamespace = to_regnamespace($1) AND contype NOT IN ('p', 't')`, `"`+schema+`"`); len(constraints) > 0 {
		t.Errorf("Polar's data keep no promise but the id; constraints that would refuse them: %q", constraints)
	}
	if unique := lines(t, conn, `
		SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = to_regnamespace($1) AND i.indisunique AND NOT i.indisprimary`, `"`+schema+`"`); len(unique) > 0 {
		t.Errorf("unique indexes besides the primary keys: %q", unique)
	}
}

var (
	fileName  = regexp.MustCompile(`^(\d{5})_([a-z_]+)\.sql$`)
	qualified = regexp.MustCompile(`(?i)\b(public|polar)\s*\.|\b(TABLE|INTO|UPDATE|FROM|JOIN)\s+"?[a-z_]+"?\."?[a-z_]+`)
)

func TestFiles(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		match := fileName.FindStringSubmatch(name)
		if match == nil || match[1] != fmt.Sprintf("%05d", i+1) {
			t.Errorf("%s: want number %05d, an underscore and what it makes", name, i+1)
			continue
		}
		body, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		header, rest, found := strings.Cut(string(body), "-- +goose Up\n")
		if !found || !strings.Contains(rest, "-- +goose Down\n") {
			t.Errorf("%s: needs an up and a down part", name)
		}
		if !strings.Contains(header, "lock") {
			t.Errorf("%s: its head does not say what it locks", name)
		}
	}
}

// Queries run under whatever search_path the user chose.
func TestSQLNamesNoSchema(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "../queries", "../views"} {
		names, err := fs.Glob(os.DirFS(dir), "*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(names), err)
		}
		for _, name := range names {
			body, err := os.ReadFile(dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(body), "\n") {
				if strings.HasPrefix(line, "COMMENT ON") || strings.HasPrefix(line, "--") {
					continue
				}
				line = strings.ReplaceAll(line, "DISTINCT FROM", "<>") // what follows is a column
				if found := qualified.FindString(line); found != "" {
					t.Errorf("%s/%s:%d names a schema: %q", dir, name, i+1, found)
				}
			}
		}
	}
}

// A syncd that starts again finds nothing to do.
func TestUpTwice(t *testing.T) {
	t.Parallel()
	_, provider := open(t)
	up(t, provider)
	again, err := provider.Up(t.Context())
	if err != nil || len(again) > 0 {
		t.Errorf("a second up applied %v, %v", again, err)
	}
}

// What databases hold of a tail by the places of its questions is found by their names, and back.
func TestTailPositionsAreKeptByName(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	if _, err := provider.UpTo(t.Context(), 44); err != nil {
		t.Fatal(err)
	}
	const before = `{"cost": {"slow0": 1, "slow1": 2, "census": 3}, "page": {"slow0": 4}, "nulls": 5, "reach": {"fast0": "2026-01-01T00:00:00Z", "fast1": "2026-01-02T00:00:00Z"}}`
	const after = `{"cost": {"count": 2, "census": 3, "hot status": 1}, "page": {"hot status": 4}, "nulls": 5, "reach": {"due": "2026-01-02T00:00:00Z", "since": "2026-01-01T00:00:00Z"}}`
	const feeds = `{"events": {"at": "2026-01-01T00:00:00Z"}}`
	for stream, tail := range map[string]string{"subscriptions": before, "tail": feeds, "orders": `{}`} {
		if _, err := conn.ExecContext(t.Context(), `INSERT INTO sync_streams (stream, tail) VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET tail = $2`, stream, tail); err != nil {
			t.Fatal(err)
		}
	}
	held := func() []string {
		return lines(t, conn, "SELECT stream || ' ' || tail FROM sync_streams WHERE tail IS NOT NULL ORDER BY stream")
	}
	up(t, provider)
	if diff := cmp.Diff([]string{"orders {}", "subscriptions " + after, "tail " + feeds}, held()); diff != "" {
		t.Errorf("after up (-want +got):\n%s", diff)
	}
	if _, err := provider.DownTo(t.Context(), 44); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"orders {}", "subscriptions " + before, "tail " + feeds}, held()); diff != "" {
		t.Errorf("after down (-want +got):\n%s", diff)
	}
}
