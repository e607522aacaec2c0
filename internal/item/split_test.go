package item

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func testShape() *Shape {
	columns := func(names ...string) Columns {
		var list []Column
		for _, name := range append(names, "_extra", "_hash", "_requested_at") {
			c := Column{Name: name}
			if name == "amount" {
				c.Takes = WholeNumber
			}
			list = append(list, c)
		}
		return NewColumns(list)
	}
	return NewShape(Spec{
		Columns:  columns("id", "name", "amount", "metadata"),
		Embedded: []string{"customer"},
		Children: []Child{{Field: "items", Parent: "parent_id", Key: "item_id", Embedded: []string{"meter"}, Columns: columns("item_id", "parent_id", "_position", "label")}},
	})
}

func (sh *Shape) split(raw string) (Item, error) {
	return new(Splitter).Split(sh, jsontext.Value(raw))
}

// document is the object as a row of the upsert.
func (sh *Shape) document(o Item, at time.Time) jsontext.Value {
	o.SetColumn(&sh.Columns, "_requested_at", TimeValue(at))
	return sh.Columns.AsJSON(&o)
}

const itemID = "11111111-2222-4333-8444-555555555555"

func TestSplit(t *testing.T) {
	sh := testShape()
	o, err := sh.split(`{"id":"` + itemID + `","name":null,"amount":9007199254740993,
		"metadata":{"Plan":1.0,"plan":1e400,"a":"\n\""},"customer":{"id":"x","items":[1]},"Name":"other case",
		"items":[{"id":"` + itemID + `","label":"one","meter":{"name":"m"},"new":[1]}],
		"_deleted_at":"never","esc\u0061ped":true,"unknown":{"a":[1,2]}}`)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	doc := sh.document(o, at)
	var got map[string]json.RawMessage
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	delete(got, "_hash")
	text := map[string]string{}
	for k, v := range got {
		text[k] = string(v)
	}
	want := map[string]string{
		"id":            `"` + itemID + `"`,
		"amount":        `9007199254740993`,
		"metadata":      `{"Plan":1.0,"plan":1e400,"a":"\n\""}`,
		"_extra":        `{"Name":"other case","_deleted_at":"never","esc\u0061ped":true,"unknown":{"a":[1,2]}}`,
		"_requested_at": `"2026-01-02T03:04:05.000006Z"`,
	}
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
	o.Children[0][0].PlaceInParent(&sh.Children[0], o.ID, 7)
	child := string(sh.Children[0].document(o.Children[0][0], at))
	for _, part := range []string{`"item_id":"` + itemID + `"`, `"label":"one"`, `"_extra":{"new":[1]}`, `"parent_id":"` + itemID + `"`, `"_position":7`} {
		if !strings.Contains(child, part) {
			t.Errorf("%s is not in %s", part, child)
		}
	}
}

// Members of an object in a field are columns; the others stay under the field's name, and what is unexpected of them is found.
func TestSplitInside(t *testing.T) {
	columns := NewColumns([]Column{{Name: "id"}, {Name: "name"}, {"amount", WholeNumber}, {"product_id", `"`}, {Name: "_extra"}, {Name: "_hash"}, {Name: "_requested_at"}})
	sh := NewShape(Spec{Columns: columns, Inside: Inside{Field: "metadata", Columns: []string{"amount", "product_id"}, Null: "None", Expect: Expect{Extra: []string{"known"}, Sparse: []string{"product_id"}}}})
	for name, c := range map[string]struct{ metadata, columns, extra, drift string }{
		"all":               {`{"amount":1200.0,"product_id":"p","known":1}`, `"amount":1200,"product_id":"p"`, `{"metadata":{"known":1}}`, "type metadata.amount"},
		"none":              {`{"amount":1,"product_id":"None"}`, `"amount":1`, `{}`, ""},
		"unknown":           {`{"amount":1,"id":"other","name":"n","deleted_at":"2026-01-01T00:00:00Z"}`, `"amount":1`, `{"metadata":{"id":"other","name":"n","deleted_at":"2026-01-01T00:00:00Z"}}`, "new_field metadata.id new_field metadata.name new_field metadata.deleted_at"},
		"another type":      {`{"amount":"1"}`, `"amount":"1"`, `{}`, "type metadata.amount"},
		"missing":           {`{}`, ``, `{}`, "missing_field metadata.amount"},
		"null":              {`null`, ``, `{"metadata":null}`, ""},
		"no object":         {`[1]`, ``, `{"metadata":[1]}`, "type metadata"},
		"beside the others": {`{"amount":1},"amount":2`, `"amount":1`, `{"amount":2}`, "new_field amount"},
	} {
		t.Run(name, func(t *testing.T) {
			var drift Drift
			o, err := (&Splitter{Drift: &drift}).Split(sh, jsontext.Value(`{"id":"`+itemID+`","name":"x","metadata":`+c.metadata+`}`))
			if err != nil || o.Deleted || o.ID.String() != itemID {
				t.Fatalf("%v, %+v", err, o)
			}
			var found []string
			for _, f := range drift.Findings() {
				found = append(found, f.Kind+" "+f.Field)
			}
			if got := strings.Join(found, " "); got != c.drift {
				t.Errorf("drift %q, want %q", got, c.drift)
			}
			at, _ := columns.Index("_extra")
			if got := string(o.Values[at]); got != c.extra {
				t.Errorf("_extra %s, want %s", got, c.extra)
			}
			o.SetColumn(&columns, "_hash", nil, '0')
			o.SetColumn(&columns, "_extra", nil, '0')
			want := strings.ReplaceAll(`{"id":"`+itemID+`","name":"x",`+c.columns+`,"_extra":0,"_hash":0}`, ",,", ",")
			if got := string(columns.AsJSON(&o)); got != want {
				t.Errorf("columns %s, want %s", got, want)
			}
		})
	}
	hash := func(metadata string) string {
		o, _ := sh.split(`{"id":"` + itemID + `",` + metadata + `}`)
		return string(o.Hash)
	}
	if hash(`"metadata":{"amount":1}`) == hash(`"metadata":{"amount":2}`) || hash(`"metadata":{"a":1},"b":2`) == hash(`"metadata":{"a":1,"b":2}`) {
		t.Error("a change of a member does not change the hash")
	}
}

// What is kept decides the hash: all of it, and nothing else.
func TestSplitHash(t *testing.T) {
	sh := testShape()
	hash := func(rest string) string {
		o, err := sh.split(`{"id":"` + itemID + `",` + rest + `}`)
		if err != nil {
			t.Fatal(err)
		}
		return string(o.Hash)
	}
	base := hash(`"name":"a","customer":{"name":"x"},"items":[{"id":"` + itemID + `","label":"l","meter":{"name":"m"}}]`)
	same := hash(`"name":"a","customer":{"name":"renamed"},"items":[{"id":"` + itemID + `","label":"l","meter":{"name":"renamed"}}]`)
	if base != same {
		t.Error("a copy of another object counts as a change of this one")
	}
	for _, other := range []string{
		`"name":"b","items":[{"id":"` + itemID + `","label":"l"}]`,
		`"name":null,"items":[{"id":"` + itemID + `","label":"l"}]`,
		`"name":"a","items":[{"id":"` + itemID + `","label":"k"}]`,
		`"name":"a","items":[]`,
		`"name":"a","items":[{"id":"` + itemID + `","label":"l"}],"new":1`,
	} {
		if hash(other) == base {
			t.Errorf("%s counts as unchanged", other)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	sh := testShape()
	for name, raw := range map[string]string{
		"no object":    `[1]`,
		"no id":        `{"name":"a"}`,
		"null id":      `{"id":null}`,
		"number id":    `{"id":12}`,
		"short id":     `{"id":"abc"}`,
		"braced id":    `{"id":"{1111111-2222-4333-8444-55555555555}"}`,
		"bad child id": `{"id":"` + itemID + `","items":[{"id":"nope"}]}`,
	} {
		if _, err := sh.split(raw); !errors.Is(err, ErrNoID) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, raw := range map[string]string{
		"invalid UTF-8": "{\"id\":\"" + itemID + "\",\"name\":\"\xff\"}",
		"cut":           `{"id":"` + itemID + `","name":`,
		"too deep":      `{"id":"` + itemID + `","name":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
	} {
		o, err := sh.split(raw)
		if err == nil || o.ID.String() != itemID {
			t.Errorf("%s: id %s, %v", name, o.ID, err)
		}
	}
}

// A copy is no reason to refuse what holds it: neither at the top nor in an element of a list.
func TestSplitBearsCopies(t *testing.T) {
	sh := testShape()
	for name, spoilt := range map[string]string{
		"broken UTF-8": "\"\xff\"", "half a pair": `"\udc00"`, "too deep": strings.Repeat("[", 10_100) + strings.Repeat("]", 10_100),
	} {
		if _, err := sh.split(`{"id":"` + itemID + `","customer":{"name":` + spoilt + `},"items":[{"id":"` + itemID + `","meter":` + spoilt + `}]}`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, kept := range []string{`"name":`, `"unknown":`, `"metadata":`, `"items":[],"metadata":`} {
			if _, err := sh.split(`{"id":"` + itemID + `",` + kept + spoilt + `}`); err == nil {
				t.Errorf("%s in %s is taken", name, kept)
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"id":"` + itemID + `","name":"a","items":[{"id":"` + itemID + `"}],"x":{"y":[1e5,null]}}`))
	f.Add([]byte(`{"id":"` + itemID + `","\u0069d":"twice","_hash":"AA==","_extra":{"a":1}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"id":"` + itemID + `","amount":-4.8E+3,"customer":{"name":"` + "\xff" + `","x":"\ud800"},"items":[{"id":"` + itemID + `","meter":"` + "\xff" + `"}]}`))
	f.Add([]byte(`{"id":"` + itemID + `","customer":` + strings.Repeat("[", 10_100) + strings.Repeat("]", 10_100) + `}`))
	f.Add([]byte(`{"id":"` + itemID + `","metadata":` + strings.Repeat("[", 10_100) + strings.Repeat("]", 10_100) + `}`))
	sh := testShape()
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := sh.split(string(raw))
		if err != nil {
			return
		}
		if o.ID.String() == "" || len(o.Hash) != 16 {
			t.Fatal("an item was accepted without id or hash")
		}
		doc := sh.document(o, time.Unix(0, 0))
		if !doc.IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Fatalf("%s became %s", raw, doc)
		}
		for _, list := range o.Children {
			for i, c := range list {
				c.PlaceInParent(&sh.Children[0], o.ID, i)
				if child := sh.Children[0].document(c, time.Unix(0, 0)); !child.IsValid(jsontext.AllowDuplicateNames(true)) {
					t.Fatalf("%s became %s", raw, child)
				}
			}
		}
		again, err := sh.split(string(raw))
		if err != nil || string(again.Hash) != string(o.Hash) {
			t.Fatal("the same bytes hash differently")
		}
	})
}

// A list of copies is a list of ids, and an id that stands only inside a copy is the object's own.
func TestSplitCopies(t *testing.T) {
	t.Parallel()
	full := testShape()
	sh := NewShape(Spec{
		Columns:  full.Columns,
		Embedded: []string{"customer"},
		Lifted:   map[string]string{"name": "customer"},
		Children: []Child{{Field: "items", Parent: "parent_id", Key: "item_id", OnlyKey: true, Columns: full.Children[0].Columns}},
	})
	other := strings.Replace(itemID, "1", "2", 1)
	var d Drift
	split := func(raw string) Item {
		t.Helper()
		o, err := (&Splitter{Drift: &d}).Split(sh, jsontext.Value(raw))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	item := func(customer, label string) Item {
		return split(`{"id":"` + itemID + `","amount":1,"metadata":{},"customer":` + customer + `,"items":[{"id":"` + other + `","new":"` + label + `","label":"x"}]}`)
	}
	a := item(`{"id":"`+itemID+`","name":"one"}`, "a")
	if got := string(sh.document(a, time.Now())); !strings.Contains(got, `"name":"`+itemID+`"`) {
		t.Errorf("no id of the copy in %s", got)
	}
	child := string(sh.Children[0].document(a.Children[0][0], time.Now()))
	if !strings.Contains(child, `"item_id":"`+other+`"`) || strings.Contains(child, `"new"`) || !strings.Contains(child, `"_extra":{}`) {
		t.Errorf("more or less than the key in %s", child)
	}
	if b := item(`{"id":"`+itemID+`","name":"another name"}`, "renamed"); string(a.Hash) != string(b.Hash) {
		t.Error("a change within a copy changes the object")
	}
	if b := item(`{"id":"`+other+`","name":"one"}`, "a"); string(a.Hash) == string(b.Hash) {
		t.Error("another copy does not change the object")
	}
	for _, none := range []string{`null`, `{}`, `{"id":"none"}`, `[]`} {
		if o := item(none, "a"); strings.Contains(string(sh.document(o, time.Now())), `"name"`) {
			t.Errorf("an id out of %s", none)
		}
	}
	if list := d.Findings(); len(list) > 0 {
		t.Errorf("drift: %+v", list)
	}
}
