package db_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/db"
	"syncd/internal/store/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// upsert is one generated query of a stream table, found by its name.
type upsert struct {
	method string       // OrderItemsUpsert
	table  string       // order_items
	params reflect.Type // one row of it: the elements of its arrays; pointers but for the key
	sql    string
}

var capital = regexp.MustCompile(`[A-Z]`)

// statement takes the text of a query in place of a database.
type statement string

func (s *statement) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	*s = statement(sql)
	return pgconn.CommandTag{}, nil
}

func (s *statement) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	*s = statement(sql)
	return nil, errors.New("there is no database")
}
func (*statement) QueryRow(context.Context, string, ...any) pgx.Row       { return nil }
func (*statement) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return nil }

func upserts(t *testing.T, conn *pgx.Conn) []upsert {
	t.Helper()
	var all []upsert
	queries := reflect.TypeFor[*db.Queries]()
	for i := range queries.NumMethod() {
		m := queries.Method(i)
		name, found := strings.CutSuffix(m.Name, "Upsert")
		if !found || m.Type.NumIn() != 3 || m.Type.In(2).Kind() != reflect.Struct {
			continue
		}
		params := m.Type.In(2)
		if _, ours := params.FieldByName("Hash"); !ours {
			continue // bookkeeping, such as the rejects
		}
		table := strings.ToLower(strings.TrimPrefix(capital.ReplaceAllString(name, "_$0"), "_"))
		var text statement
		reflect.ValueOf(db.New(&text)).Method(i).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.Zero(params)})
		all = append(all, upsert{m.Name, table, rowOf(params, keys(t, conn, table)), string(text)})
	}
	if len(all) < 17 {
		t.Fatalf("only %d upserts of stream tables", len(all))
	}
	return all
}

// keys are the columns of the primary key, of a table that is divided that of its partitions.
func keys(t *testing.T, conn *pgx.Conn, table string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
		WHERE i.indisprimary AND i.indrelid IN (to_regclass($1), to_regclass($1 || '_default'))`, table)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

// rowOf is one row of the arrays that an upsert takes.
func rowOf(params reflect.Type, keys []string) reflect.Type {
	var list []reflect.StructField
	for f := range params.Fields() {
		f.Type = f.Type.Elem()
		if kind := f.Type.Kind(); !slices.Contains(keys, f.Tag.Get("json")) && (kind != reflect.Slice) {
			f.Type = reflect.PointerTo(f.Type)
		}
		list = append(list, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
	}
	return reflect.StructOf(list)
}

// run executes the upsert with one row.
func (u upsert) run(ctx context.Context, conn *pgx.Conn, row reflect.Value) error {
	args := make([]any, row.NumField())
	for i := range args {
		args[i] = reflect.Append(reflect.MakeSlice(reflect.SliceOf(row.Field(i).Type()), 0, 1), row.Field(i)).Interface()
	}
	if _, err := conn.Exec(ctx, u.sql, args...); err != nil {
		return fmt.Errorf("%s: %w", u.method, err)
	}
	return nil
}

func (u upsert) tags() []string {
	var tags []string
	for i := range u.params.NumField() {
		tags = append(tags, u.params.Field(i).Tag.Get("json"))
	}
	return tags
}

var (
	requested = time.Date(2026, 10, 15, 12, 0, 0, 123456000, time.UTC)
	ours      = []string{"_position", "_extra", "_hash", "_requested_at"}
)

// full gives every field a value that survives no rounding, no zone and no re-formatting.
// Values of one table are told apart by the number of the field.
func (u upsert) full(t *testing.T, seed int) reflect.Value {
	t.Helper()
	row := reflect.New(u.params).Elem()
	for i := range u.params.NumField() {
		n := seed*1000 + i
		var value any
		switch field := row.Field(i); field.Interface().(type) {
		case uuid.UUID, *uuid.UUID:
			value = uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, i)) // the same for every seed: the key stays
		case time.Time, *time.Time:
			value = requested.Add(time.Duration(n) * time.Microsecond)
		case int64, *int64:
			value = int64(9007199254740993) + int64(n)
		case bool, *bool:
			value = n%2 == 0
		case string, *string:
			value = fmt.Sprintf("%d: \"é\" 日本 \n\t=1+1 \u202e", n)
		case json.RawMessage:
			value = json.RawMessage(fmt.Sprintf(`{"n": %d, "Plan": 1, "plan": 1.0, "big": 123456789012345678901234567890}`, n))
		case []byte:
			value = fmt.Append(nil, "digest ", n)
		case wire.Decimal, *wire.Decimal:
			d, err := wire.Parse(fmt.Sprintf("12345678901234567890.%d0", n))
			if err != nil {
				t.Fatal(err)
			}
			value = d
		default:
			t.Fatalf("%s.%s is a %s: no such type is agreed upon", u.method, u.params.Field(i).Name, field.Type())
		}
		u.set(row, i, value)
	}
	return row
}

func (u upsert) set(row reflect.Value, i int, value any) {
	if row.Field(i).Kind() != reflect.Pointer {
		row.Field(i).Set(reflect.ValueOf(value))
		return
	}
	p := reflect.New(row.Field(i).Type().Elem())
	p.Elem().Set(reflect.ValueOf(value))
	row.Field(i).Set(p)
}

// name sets the field with a given tag.
func (u upsert) name(row reflect.Value, tag string, value any) {
	u.set(row, slices.Index(u.tags(), tag), value)
}

// stored reads the only row of the table as one object.
func (u upsert) stored(t *testing.T, conn *pgx.Conn) map[string]any {
	t.Helper()
	var body []byte
	query := fmt.Sprintf("SELECT to_jsonb(r) FROM %s r", u.table)
	if err := conn.QueryRow(t.Context(), query).Scan(&body); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return object(t, body)
}

func object(t *testing.T, body []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	for key, value := range m {
		if text, ok := value.(string); ok && (strings.HasSuffix(key, "timestamp") || strings.HasSuffix(key, "_at") || strings.HasSuffix(key, "_start") || strings.HasSuffix(key, "_end") || strings.HasSuffix(key, "_due_by")) {
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			m[key] = at.UTC()
		}
	}
	return m
}

// fields gives a row of parameters as the object that stored should return.
func fields(t *testing.T, row reflect.Value) map[string]any {
	t.Helper()
	body, err := json.Marshal(row.Interface())
	if err != nil {
		t.Fatal(err)
	}
	m := object(t, body)
	m["_hash"] = fmt.Sprintf(`\x%x`, row.FieldByName("Hash").Bytes())
	return m
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Migrated(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, err := conn.Exec(t.Context(), "SET search_path TO polar, polar_sync"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// linked are the columns of exports that name the mirrored row of an export's: a query of their own fills them after a run.
var linked = map[string]string{"customers_export": "customer_id", "orders_export": "order_id", "subscriptions_export": "subscription_id", "metrics_export": "metric_id"}

// A field without a column would be lost, a column without a field never filled.
func TestTagsAreTheColumns(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, u := range upserts(t, conn) {
		rows, err := conn.Query(t.Context(), `SELECT attname::text FROM pg_attribute
			WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
			  AND attname NOT IN ('_synced_at', '_deleted_at', '_removed_at')`, u.table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		columns = slices.DeleteFunc(columns, func(c string) bool { return c == linked[u.table] })
		tags := u.tags() // a column that a later migration adds is the last of its table
		slices.Sort(columns)
		slices.Sort(tags)
		if diff := cmp.Diff(columns, tags); diff != "" {
			t.Errorf("%s (-columns of %s +tags):\n%s", u.method, u.table, diff)
		}
	}
}

func TestUpsertStoresWhatItIsGiven(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, u := range upserts(t, conn) {
		for seed := range 2 { // as a new row, then over the old one
			row := u.full(t, seed)
			if err := u.run(t.Context(), conn, row); err != nil {
				t.Error(err)
				continue
			}
			got := u.stored(t, conn)
			for _, column := range []string{"_synced_at", "_deleted_at", "_removed_at", linked[u.table]} {
				delete(got, column)
			}
			if diff := cmp.Diff(fields(t, row), got); diff != "" {
				t.Errorf("%s, round %d (-given +stored):\n%s", u.table, seed, diff)
			}
		}
	}
}

func TestMissingFieldsAreNull(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, u := range upserts(t, conn) {
		full, row := u.full(t, 0), reflect.New(u.params).Elem()
		given := 0
		for i, tag := range u.tags() {
			if slices.Contains(keys(t, conn, u.table), tag) || slices.Contains(ours, tag) {
				row.Field(i).Set(full.Field(i))
				given++
			}
		}
		if err := u.run(t.Context(), conn, row); err != nil {
			t.Error(err)
			continue
		}
		var nulls int
		query := fmt.Sprintf("SELECT num_nulls(%q) FROM %s", u.tags(), u.table)
		query = strings.NewReplacer("[", "", "]", "", `" "`, `", "`).Replace(query)
		if err := conn.QueryRow(t.Context(), query).Scan(&nulls); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if want := u.params.NumField() - given; nulls != want {
			t.Errorf("%s: %d columns are null, want %d", u.table, nulls, want)
		}
	}
}

// Two runs may write the same row: what was asked for later is right, whoever writes last.
func TestEarlierReplyNeverOverwrites(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, u := range upserts(t, conn) {
		later := u.full(t, 1)
		earlier := u.full(t, 0)
		for _, row := range []reflect.Value{later, earlier} {
			if err := u.run(t.Context(), conn, row); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := u.stored(t, conn)["_hash"], fields(t, later)["_hash"]; got != want {
			t.Errorf("%s: a reply requested earlier replaced one requested later", u.table)
		}
	}
}

// A row that Polar names again is back, and one that says nothing new is not written.
func TestUpsertRevives(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, u := range upserts(t, conn) {
		row := u.full(t, 0)
		if err := u.run(t.Context(), conn, row); err != nil {
			t.Fatal(err)
		}
		gone, child := "_deleted_at", slices.Contains(u.tags(), "_position")
		if child {
			gone = "_removed_at"
			before := u.stored(t, conn)
			u.name(row, "_requested_at", requested.Add(time.Hour))
			if err := u.run(t.Context(), conn, row); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, u.stored(t, conn)); diff != "" {
				t.Errorf("%s: an unchanged row was written again (-before +after):\n%s", u.table, diff)
			}
		}
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("UPDATE %s SET %s = now()", u.table, gone)); err != nil {
			t.Fatal(err)
		}
		if err := u.run(t.Context(), conn, row); err != nil {
			t.Fatal(err)
		}
		if at := u.stored(t, conn)[gone]; at != nil {
			t.Errorf("%s: %s is still %v after Polar sent the row again", u.table, gone, at)
		}
		if child {
			u.name(row, "_position", int64(7))
			if err := u.run(t.Context(), conn, row); err != nil {
				t.Fatal(err)
			}
			if at := u.stored(t, conn)["_position"]; at != json.Number("7") {
				t.Errorf("%s: _position is %v after a move to 7", u.table, at)
			}
		}
	}
}
