package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/store/wire"
)

// Table is the database side of a stream: the columns that its generated upsert
// takes, by the API's own field names, and how documents become rows.
type Table struct {
	columns map[string]bool
	takes   map[string]string // by column: see field.takes
	write   func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error
}

// rows makes a Table of a generated upsert. The JSON tags of its parameter
// struct are the column names, which are the API's field names: so the struct
// is the wire format, and there is no second list of fields to keep.
func rows[P any, B interface{ Exec(func(int, error)) }](upsert func(*db.Queries, context.Context, []P) B) Table {
	t := reflect.TypeFor[P]()
	columns, takes := make(map[string]bool, t.NumField()), make(map[string]string, t.NumField())
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		columns[name], takes[name] = true, jsonKinds(t.Field(i).Type)
	}
	write := func(ctx context.Context, q *db.Queries, docs []jsontext.Value) error {
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
	}
	return Table{columns: columns, takes: takes, write: write}
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
		return "0"
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
