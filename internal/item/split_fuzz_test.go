package item

import (
	"bytes"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// An item is refused or becomes a row that is valid JSON, has the item's id, and holds each of its fields, in a column, in
// _extra or as a child; and twice the same item is twice the same row.
func FuzzSplitKeeps(f *testing.F) {
	for _, seed := range []string{
		`{"id":"` + itemID + `","name":null,"amount":9007199254740993,"metadata":{"Plan":1.0,"plan":1e400},"customer":{"id":"x"},"Name":"other case","new":[1]}`,
		`{"id":"` + itemID + `","items":[{"id":"` + itemID + `","label":"one","meter":{},"new":[1]}]}`,
		`{"id":"` + itemID + `","amount":48e2}`, `{"id":"` + itemID + `","amount":-0.0}`, `{"id":"` + itemID + `","amount":4800.5}`,
		`{"id":"` + itemID + `","items":null,"esc\u0061ped":true,"_hash":"x","_deleted_at":1}`,
		`{"id":"` + itemID + `","id":null}`, `{"items":[{}],"id":1}`, `[]`, `{"id":"` + itemID + `"`, "", `{"id":"` + itemID + `","` + "\xff" + `":1}`,
	} {
		f.Add([]byte(seed))
	}
	sh := testShape()
	f.Fuzz(func(t *testing.T, data []byte) {
		raw := bytes.Clone(data)
		o, err := sh.split(string(data))
		if !bytes.Equal(raw, data) {
			t.Fatalf("%q was changed into %q", raw, data)
		}
		if err != nil {
			return
		}
		again, err := sh.split(string(data))
		if err != nil || !bytes.Equal(o.Hash, again.Hash) || o.ID != again.ID {
			t.Fatalf("%q: another row the second time: %v", data, err)
		}
		var fields, row, extra map[string]jsontext.Value
		if err := jsonv2.Unmarshal(data, &fields); err != nil {
			return // names that come twice, or broken UTF-8: Postgres is given the last, or refuses it
		}
		doc := sh.document(o, time.Unix(0, 0))
		if err := jsonv2.Unmarshal(doc, &row); err != nil {
			t.Fatalf("%q became %q: %v", data, doc, err)
		}
		if err := jsonv2.Unmarshal(row["_extra"], &extra); err != nil {
			t.Fatalf("%q became %q: %v", data, doc, err)
		}
		if id, err := parseID(row["id"]); err != nil || id != o.ID {
			t.Fatalf("%q has another id in %q", data, doc)
		}
		for name, value := range fields {
			switch {
			case name == "id" || name == "customer" || name == "items":
			case sh.Columns.Has(name) && name[0] != '_':
				if name == "amount" && value.Kind() == '0' {
					value = rawjson.WholeNumber(value)
				}
				if got := row[name]; value.Kind() != 'n' && !bytes.Equal(got, value) {
					t.Fatalf("%q: %s is %s, not %s", data, name, got, value)
				}
			case !bytes.Equal(extra[name], value):
				t.Fatalf("%q: %s is %s in _extra, not %s", data, name, extra[name], value)
			}
		}
	})
}
