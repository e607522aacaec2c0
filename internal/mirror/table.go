package mirror

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/store/wire"
)

// Table is the database side of a stream: the columns that its generated upsert
// takes, by the API's own field names, and how documents become rows.
type Table struct {
	columns []column       // in the order of the upsert's parameters
	names   []string       // theirs
	index   map[string]int // theirs, by name
	binary  bool           // all of them have a binary form
	upsert  func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error
}

type column struct {
	name   string
	takes  string // see field.takes
	binary wire.Binary
}

// rows makes a Table of a generated upsert. The JSON tags of its parameter
// struct are the column names, which are the API's field names: so the struct
// is the wire format, and there is no second list of fields to keep.
func rows[P any, B interface{ Exec(func(int, error)) }](upsert func(*db.Queries, context.Context, []P) B) Table {
	var columns []column
	for f := range reflect.TypeFor[P]().Fields() {
		columns = append(columns, column{f.Tag.Get("json"), jsonKinds(f.Type), wire.BinaryOf(f.Type)})
	}
	return newTable(columns, func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error {
		params := make([]P, len(docs))
		for i, doc := range docs {
			if err := jsonv2.Unmarshal(doc, &params[i], decodeOptions); err != nil {
				return &store.ItemError{Index: i, Err: fmt.Errorf("unexpected value: %w", err)}
			}
		}
		// The first error is the cause: Postgres refuses the rest of a batch after it.
		var first error
		upsert(q, ctx, params).Exec(func(i int, err error) {
			switch {
			case err == nil || first != nil:
			case store.IsDataError(err):
				first = &store.ItemError{Index: i, Err: err}
			default:
				first = err
			}
		})
		return first
	})
}

func newTable(columns []column, upsert func(context.Context, *db.Queries, []jsontext.Value) error) Table {
	t := Table{columns: columns, index: make(map[string]int, len(columns)), binary: true, upsert: upsert}
	for i, c := range columns {
		t.names, t.index[c.name] = append(t.names, c.name), i
		t.binary = t.binary && c.binary != nil
	}
	return t
}

func (t *Table) has(column string) bool {
	_, ok := t.index[column]
	return ok
}

// write stores rows: those that are new by COPY where bulk says so, several
// times as fast; the others by upserts. COPY does not tell which row is in its
// way, and fails with store.ErrCopy; an upsert fails with an *ItemError.
func (t *Table) write(ctx context.Context, q *db.Queries, tx pgx.Tx, name string, rows []row, bulk bool) error {
	bulk = bulk && t.binary
	var tuples []byte
	var docs []jsontext.Value
	var items []int // indexes of those that the documents came in
	for _, r := range rows {
		if !bulk || !r.isNew {
			docs, items = append(docs, t.document(r.object)), append(items, r.item)
			continue
		}
		if r.tuple != nil {
			tuples = append(tuples, r.tuple...)
			continue
		}
		var err error
		if tuples, err = t.appendTuple(tuples, r.object); err != nil {
			return err
		}
	}
	if len(tuples) > 0 {
		if err := store.Copy(ctx, tx, name, t.names, tuples); err != nil {
			return err
		}
	}
	if len(docs) == 0 {
		return nil
	}
	err := t.upsert(ctx, q, docs)
	if refused, ok := errors.AsType[*store.ItemError](err); ok {
		return &store.ItemError{Index: items[refused.Index], Err: refused.Err}
	}
	return err
}

// document is a row as one JSON object, ready to be decoded into the upsert's parameters.
func (t *Table) document(o *object) jsontext.Value {
	b := []byte{'{'}
	for i, c := range t.columns {
		if v := o.values[i]; v != nil {
			b = append(strconv.AppendQuote(b, c.name), ':')
			b = append(append(b, v...), ',')
		}
	}
	return append(bytes.TrimSuffix(b, []byte{','}), '}')
}

// appendTuple appends a row in the binary format of COPY.
func (t *Table) appendTuple(b []byte, o *object) (_ []byte, err error) {
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.columns)))
	for i, c := range t.columns {
		if b, err = c.binary.AppendField(b, o.values[i]); err != nil {
			return b, fmt.Errorf("%w: %s: %w", store.ErrCopy, c.name, err)
		}
	}
	return b, nil
}

// wholeNumber is what a column of whole numbers takes: see jsonKinds and wire.Whole.
const wholeNumber = "0"

// jsonKinds are the kinds of JSON values that a Go type of a parameter is decoded from, as jsontext.Kind has them; "" = all.
func jsonKinds(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[json.RawMessage]():
		return ""
	case reflect.TypeFor[wire.Decimal]():
		return `0"`
	case reflect.TypeFor[uuid.UUID](), reflect.TypeFor[time.Time]():
		return `"`
	}
	switch t.Kind() {
	case reflect.String:
		return `"`
	case reflect.Bool:
		return "tf"
	case reflect.Int64:
		return wholeNumber
	}
	return ""
}

// decodeOptions: field names match by exact case (metadata aside, Polar has
// fields that differ only by case from columns of ours), and jsonb columns
// take the bytes as they are, so that no number is rewritten.
var decodeOptions = jsonv2.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *json.RawMessage) error {
		val, err := dec.ReadValue()
		*v = append((*v)[:0], val...)
		return err
	})),
)
