package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/lists"
	"syncd/internal/store/pg"
	"syncd/internal/store/wire"
)

// Table is the database side of a stream or of its children: its generated upsert, and the columns that the upsert takes, named
// as the API's fields.
type Table struct {
	item.Columns // in the order of the upsert's parameters
	types        []wire.Type
	upsert       string
	// insert is the upsert without what becomes of rows that are there: Postgres does not look for them before it writes, which is a third
	// of what a new row costs.
	insert string
}

// TableOf makes a Table of a generated upsert, which takes an array for each column: all rows of a page are one statement. The
// JSON tags of its parameters are the column names, which are the API's field names. So the parameters are the wire format, and
// no second list of fields exists.
func TableOf[P any](upsert func(*db.Queries, context.Context, P) error) Table {
	var t Table
	var columns []item.Column
	for f := range reflect.TypeFor[P]().Fields() {
		of, ok := wire.TypeOf(f.Type.Elem())
		if !ok {
			panic(fmt.Sprintf("column %s of %s: %s has no binary form", f.Name, reflect.TypeFor[P](), f.Type.Elem()))
		}
		columns, t.types = append(columns, item.Column{Name: f.Tag.Get("json"), Takes: jsonKinds(f.Type.Elem())}), append(t.types, of)
	}
	t.Columns = item.NewColumns(columns)
	var p pg.Pipeline // it is never sent
	_ = upsert(db.New(&p), context.Background(), *new(P))
	t.upsert = p.SQL()
	t.insert, _, _ = strings.Cut(t.upsert, "\nON CONFLICT")
	return t
}

// jsonKinds are the kinds of JSON values that a parameter of this Go type is decoded from, as characters of jsontext.Kind; "" =
// all.
func jsonKinds(t reflect.Type) string {
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

// encode appends the values of an object's columns, in the order of the columns.
func (t *Table) encode(b []byte, o *item.Item) (_ []byte, err error) {
	for i := range t.types {
		if b, err = t.types[i].AppendField(b, o.Values[i]); err != nil {
			return b, fmt.Errorf("unexpected value of %s: %w", t.List[i].Name, err)
		}
	}
	return b, nil
}

// arrays are the arguments of the upsert for these rows: an array for each column. A *refusal names a row that has no binary
// form.
func (t *Table) arrays(rows []row) ([]any, error) {
	fields := make([][]byte, len(rows))
	for i := range rows {
		if rows[i].Encoded == nil {
			encoded, err := t.encode(nil, rows[i].Item)
			if err != nil {
				return nil, &refusal{&rows[i].about, err}
			}
			rows[i].Encoded = encoded
		}
		fields[i] = rows[i].Encoded
	}
	args := make([]any, len(t.types))
	for c, array := range wire.Arrays(t.types, fields) {
		args[c] = array
	}
	return args, nil
}

// write queues the upsert of rows: in one statement, or in one for each row to find out which one is refused. Rows that are all new are
// inserted; errThere says that one of them is there after all.
func (t *Table) write(p *pg.Pipeline, rows []row, apart bool) error {
	for len(rows) > 0 {
		n := len(rows)
		about := &subject{item: -1}
		if apart {
			n, about = 1, &rows[0].about
		}
		args, err := t.arrays(rows[:n])
		if err != nil {
			return err
		}
		sql, insert := t.upsert, !slices.ContainsFunc(rows[:n], func(r row) bool { return !r.isNew })
		if insert {
			sql = t.insert
		}
		p.Add(sql, args, nil)
		p.OnRefusal(func(err error) error {
			switch {
			case insert && pg.IsCode(err, "23505", pg.FromWorker): // the upsert tells what the worker refuses
				return errThere
			case pg.IsCode(err, pg.FromWorker):
				return err
			}
			return &refusal{about, err}
		})
		rows = rows[n:]
	}
	return nil
}

// Target is where the objects of a stream go.
type Target struct {
	Stream   string // its name, and that of its table
	Table    Table
	Months   string // the column by whose months the table is divided; "" = it is not
	Shape    *item.Shape
	Children []ChildTarget // by Shape.Children
	// Copies are the fields with copies of objects of other streams, in the order of the table of streams, in which all
	// transactions lock rows. Otherwise concurrent streams could deadlock, until Postgres ends one of them.
	Copies []CopyTarget
	// Invalidates are columns that rows of other streams show.
	Invalidates []Invalidation
}

// ChildTarget is where the elements of a list inside the objects go.
type ChildTarget struct {
	Name   string // of the table
	Parent string // column that holds the parent's id
	Key    string // column that holds the element's own id
	Table  Table
}

func (c *ChildTarget) rows() lists.Table {
	return lists.Table{Name: c.Name, Parent: c.Parent, Key: c.Key}
}

// CopyTarget is where the copies in a field go, if their stream has no such row.
type CopyTarget struct {
	Field string
	Of    *Target
}

// Encode prepares the upsert's input of objects that will probably be written, and of their children, while the previous page is
// being written. An object that cannot be encoded is tried again when it is written; then the error is reported.
func (t *Target) Encode(requestedAt time.Time, objects []item.Item) {
	at := item.TimeValue(requestedAt)
	var all []byte // all encodings, one after the other
	encode := func(t *Table, o *item.Item) {
		o.SetColumn(&t.Columns, "_requested_at", at)
		from := len(all)
		if grown, err := t.encode(all, o); err == nil {
			all, o.Encoded = grown, grown[from:len(grown):len(grown)]
		}
	}
	for i := range objects {
		o := &objects[i]
		encode(&t.Table, o)
		for k, list := range o.Children {
			for position := range list {
				list[position].PlaceInParent(&t.Shape.Children[k], o.ID, position)
				encode(&t.Children[k].Table, &list[position])
			}
		}
		if i == 0 { // the others will be as long, and those that are longer are few
			all = slices.Grow(all, len(all)*len(objects)*9/8)
		}
	}
}
