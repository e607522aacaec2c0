package mirror

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/store/wire"
)

// Table is the database side of a stream: the columns that its generated upsert
// takes, by the API's own field names, and how documents become rows.
type Table struct {
	item.Columns               // in the order of the upsert's parameters
	names        []string      // theirs
	encode       []wire.Binary // theirs; nil where one of them has no binary form
	upsert       func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error
}

// rows makes a Table of a generated upsert. The JSON tags of its parameter
// struct are the column names, which are the API's field names: so the struct
// is the wire format, and there is no second list of fields to keep.
func rows[P any, B interface{ Exec(func(int, error)) }](upsert func(*db.Queries, context.Context, []P) B) Table {
	var columns []item.Column
	var encode []wire.Binary
	for f := range reflect.TypeFor[P]().Fields() {
		columns, encode = append(columns, item.Column{Name: f.Tag.Get("json"), Takes: jsonKinds(f.Type)}), append(encode, wire.BinaryOf(f.Type))
	}
	return newTable(columns, encode, func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error {
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

func newTable(columns []item.Column, encode []wire.Binary, upsert func(context.Context, *db.Queries, []jsontext.Value) error) Table {
	t := Table{Columns: item.NewColumns(columns), encode: encode, upsert: upsert}
	for i, c := range columns {
		t.names = append(t.names, c.Name)
		if encode[i] == nil {
			t.encode = nil
		}
	}
	return t
}

// binary tells whether rows have a binary form.
func (t *Table) binary() bool { return t.encode != nil }

// write stores rows: those that are new by COPY where bulk says so, several
// times as fast; the others by upserts. COPY does not tell which row is in its
// way, and fails with store.ErrCopy; an upsert fails with an *ItemError.
func (t *Table) write(ctx context.Context, q *db.Queries, tx pgx.Tx, name string, rows []row, bulk bool) error {
	bulk = bulk && t.binary()
	var tuples []byte
	var docs []jsontext.Value
	var items []int // indexes of those that the documents came in
	for _, r := range rows {
		if !bulk || !r.isNew {
			docs, items = append(docs, t.Document(r.Item)), append(items, r.item)
			continue
		}
		if r.Tuple != nil {
			tuples = append(tuples, r.Tuple...)
			continue
		}
		var err error
		if tuples, err = t.appendTuple(tuples, r.Item); err != nil {
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

// appendTuple appends a row in the binary format of COPY.
func (t *Table) appendTuple(b []byte, o *item.Item) (_ []byte, err error) {
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.names)))
	for i, encode := range t.encode {
		if b, err = encode.AppendField(b, o.Values[i]); err != nil {
			return b, fmt.Errorf("%w: %s: %w", store.ErrCopy, t.names[i], err)
		}
	}
	return b, nil
}

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
		return item.WholeNumber
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
