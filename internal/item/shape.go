package item

import (
	"maps"
	"slices"
	"strings"
)

// Spec describes the objects of a resource.
type Spec struct {
	Columns Columns
	// Embedded names fields that are copies of other objects: they are dropped from the row, and returned with the Item.
	Embedded []string
	// Whose is the field with the organization of an object; "" = organization_id.
	Whose string
	// Secrets names further secret fields, beside those that are secret in every object.
	Secrets []string
	// Lifted maps a column to the copy whose id it takes: customer_id: customer.
	Lifted   map[string]string
	Children []Child
	Inside   Inside
	Expect   Expect
}

// Inside says which columns take their values from the members of an object in a field: metadata of a balance event. The field
// itself has no column. Members without a column go to _extra, under the field's name.
type Inside struct {
	Field   string // "" = there is none
	Columns []string
	// Null is a text that such a member has in place of null; "" = none.
	Null   string
	Expect Expect // of the members
}

// Child is a list inside an object whose elements are rows of a child table.
type Child struct {
	Field    string   // of the parent; it holds the list
	Name     string   // of the table
	Parent   string   // column that holds the parent's id
	Key      string   // column that holds the element's own id; "id" unless it is renamed
	Embedded []string // fields of the element that are not kept
	// OnlyKey: the elements are copies of objects of another stream. Only their ids are kept, in their order.
	OnlyKey bool
	Columns Columns
	Expect  Expect
}

// Expect is what is known of objects beyond their columns, in the requested version of the API. An object that differs shows
// drift, and is stored all the same.
//
// Polar sends every key of an object, null where there is no value; Sparse names the exceptions. Sources: the schemas of
// server/polar/*/schemas.py and the enums of server/polar/models in polarsource/polar, and the OpenAPI document.
type Expect struct {
	Extra  []string            // fields without a column that Polar sends, documented or not
	Sparse []string            // columns whose field is not in every object
	Enums  map[string][]string // the known values of columns that have a fixed list
}

// Shape says what becomes of each field of an object. It is made once per resource and read-only afterwards.
type Shape struct {
	Columns  Columns
	Children []ChildShape
	copied   []string         // Spec.Embedded
	fields   map[string]field // by the name that Polar sends
	always   fieldSet         // the fields that Polar always sends
	names    []string         // their names, by bit
	prefix   string           // of the names of fields in findings: prices[].
	inside   *Shape           // of the object whose members are columns too; its Columns are those of the whole; nil = there is none
	null     string           // see Inside
	lifted   []lifted
	whose    string
	secrets  []string
	dropped  map[string]bool // dropped fields, those of children included
	onlyKey  bool            // a field without a column is dropped, and is no drift
}

// ChildShape is the Shape of the elements of a list.
type ChildShape struct {
	Shape
	Parent string // see Child
}

// lifted is a column that takes the id of a copy; both are indexes.
type lifted struct{ column, copy int }

// NewShape makes the Shape of a resource's objects.
func NewShape(s Spec) *Shape {
	sh := &Shape{Columns: s.Columns, whose: s.Whose, copied: s.Embedded, secrets: append(everywhere(), s.Secrets...), dropped: set(s.Embedded)}
	if sh.whose == "" {
		sh.whose = "organization_id"
	}
	lists := map[string]int{}
	for i, c := range s.Children {
		lists[c.Field] = i
		child := ChildShape{Shape{Columns: c.Columns, prefix: c.Field + "[].", onlyKey: c.OnlyKey}, c.Parent}
		child.setFields(c.Columns, c.Key, c.Parent, nil, c.Embedded, c.Expect)
		sh.Children = append(sh.Children, child)
		for _, name := range c.Embedded {
			sh.dropped[name] = true
		}
	}
	known := s.Expect
	known.Sparse = slices.AppendSeq(slices.Clone(known.Sparse), maps.Keys(s.Lifted))
	columns := s.Columns
	if s.Inside.Field != "" {
		columns = sh.setInside(s.Inside)
	}
	sh.setFields(columns, "id", "", lists, s.Embedded, known)
	if sh.inside != nil {
		sh.fields[s.Inside.Field] = field{role: asInside, takes: "{"}
	}
	for i, name := range sh.copied {
		f := sh.fields[name]
		f.role, f.at = asCopy, i
		sh.fields[name] = f
	}
	for column, name := range s.Lifted {
		at, _ := s.Columns.Index(column)
		sh.lifted = append(sh.lifted, lifted{at, sh.fields[name].at})
	}
	slices.SortFunc(sh.lifted, func(a, b lifted) int { return a.column - b.column }) // the digest needs a fixed order
	return sh
}

// CopyIndex is the index in Item.Copies of a field that holds a copy.
func (sh *Shape) CopyIndex(name string) int { return sh.fields[name].at }

// WithoutSecrets returns an object without its secret fields, at any depth.
func (sh *Shape) WithoutSecrets(raw []byte) []byte { return withoutSecrets(raw, sh.secrets) }

// SecretFields are the names of the fields that WithoutSecrets removes.
func (sh *Shape) SecretFields() []string { return slices.Clone(sh.secrets) }

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// field says what becomes of one field of an object, and what is expected of it.
type field struct {
	role   role
	at     int             // its index among the columns, the children, or the copies
	takes  string          // see Column.Takes
	values map[string]bool // of a column: the known values, as JSON; nil = any
	bit    uint            // of a column that Polar always sends: its bit in Shape.always, from 1; 0 = none
}

type role uint8

const (
	asUnknown role = iota // kept in _extra, and recorded as drift
	asExtra               // kept in _extra
	asColumn
	asList   // of children
	asCopy   // of a row of another stream
	asInside // an object whose members are columns
	asNothing
)

// fieldSet is a set of up to 128 fields, by their bit.
type fieldSet [2]uint64

func (s *fieldSet) add(bit uint) { s[bit>>6] |= 1 << (bit & 63) }

// setInside makes the Shape of an object in a field, and returns the columns that do not take their values from it.
func (sh *Shape) setInside(in Inside) (others Columns) {
	inner, outer := sh.Columns, sh.Columns
	inner.List, outer.List = slices.Clone(inner.List), slices.Clone(outer.List)
	for i, c := range sh.Columns.List {
		if slices.Contains(in.Columns, c.Name) {
			outer.List[i].Name = "_"
		} else {
			inner.List[i].Name = "_"
		}
	}
	sh.inside = &Shape{Columns: sh.Columns, prefix: in.Field + ".", null: in.Null}
	sh.inside.setFields(inner, "", "", nil, nil, in.Expect)
	return outer
}

// setFields decides what becomes of each field. key is the column of the object's id, parent that of its parent's id.
func (sh *Shape) setFields(columns Columns, key, parent string, lists map[string]int, drop []string, known Expect) {
	sh.fields = map[string]field{}
	sh.names = []string{""} // bit 0 belongs to no field
	sparse := set(known.Sparse)
	for i, c := range columns.List {
		name := c.Name
		if strings.HasPrefix(name, "_") { // a column of syncd's own: Polar cannot set it
			continue
		}
		f := field{role: asColumn, at: i, takes: c.Takes}
		sent := name
		if name == key {
			sent = "id"
		}
		if values := known.Enums[name]; values != nil {
			f.values = make(map[string]bool, len(values))
			for _, v := range values {
				f.values[`"`+v+`"`] = true
			}
		}
		if !sparse[name] && name != parent && len(sh.names) < 128 {
			f.bit = uint(len(sh.names))
			sh.names = append(sh.names, sent)
			sh.always.add(f.bit)
		}
		sh.fields[sent] = f
	}
	for _, name := range known.Extra {
		sh.fields[name] = field{role: asExtra}
	}
	for name, i := range lists {
		sh.fields[name] = field{role: asList, at: i, takes: "["}
	}
	for _, name := range drop {
		sh.fields[name] = field{role: asNothing}
	}
}
