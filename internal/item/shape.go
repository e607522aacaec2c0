package item

import (
	"maps"
	"slices"
	"strings"
)

// Spec describes the objects of a resource.
type Spec struct {
	Columns Columns
	// Embedded names fields that are copies of other objects: they are dropped, and come with the Item.
	Embedded []string
	// Whose is the field that names the organization of an object; "" = organization_id.
	Whose string
	// Secrets names fields that are secrets, beside those that are so everywhere.
	Secrets []string
	// Lifted gives a column the id of a copy: customer_id: customer.
	Lifted   map[string]string
	Children []Child
	Expect   Expect
}

// Child is a list inside an object whose elements are rows of a table of their own.
type Child struct {
	Field    string   // of the parent that holds the list
	Name     string   // of the table
	Parent   string   // column that holds the parent's id
	Key      string   // column that holds the element's own id; "id" unless it is renamed
	Embedded []string // fields of the element that are not kept
	// OnlyKey: the elements are copies of other mirrored objects; only which ones
	// they are is kept, in their order.
	OnlyKey bool
	Columns Columns
	Expect  Expect
}

// Expect is what is known of objects beside which columns they have, in the version of the API that is asked for. What
// departs from it is drift, and stored all the same.
//
// Polar sends every key of an object, null where there is no value; Sparse names the exceptions. Sources: the schemas of
// server/polar/*/schemas.py and the enums of server/polar/models in polarsource/polar, and the OpenAPI document.
type Expect struct {
	Extra  []string            // fields without a column that Polar is known to send, documented or not
	Sparse []string            // columns whose field is not in every object
	Enums  map[string][]string // columns that have a fixed list of values
}

// Shape says what becomes of each field of an object. It is made once per resource, and only read after that.
type Shape struct {
	Columns  Columns
	Children []ChildShape
	copied   []string         // Spec.Embedded
	fields   map[string]field // by the name that Polar sends
	always   fieldSet         // those that are always sent
	names    []string         // their names, by bit
	prefix   string           // of names of fields in findings: prices[].
	lifted   []lifted
	whose    string
	secrets  []string
	dropped  map[string]bool // fields that are dropped, of the children too
	onlyKey  bool            // what is no column is dropped, and no surprise
}

// ChildShape is the Shape of the elements of a list.
type ChildShape struct {
	Shape
	Parent string // see Child
}

// lifted is a column for the id of a copy; both by index.
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
		child.setFields(c.Key, c.Parent, nil, c.Embedded, c.Expect)
		sh.Children = append(sh.Children, child)
		for _, name := range c.Embedded {
			sh.dropped[name] = true
		}
	}
	known := s.Expect
	known.Sparse = slices.AppendSeq(slices.Clone(known.Sparse), maps.Keys(s.Lifted))
	sh.setFields("id", "", lists, s.Embedded, known)
	for i, name := range sh.copied {
		f := sh.fields[name]
		f.role, f.at = asCopy, i
		sh.fields[name] = f
	}
	for column, name := range s.Lifted {
		at, _ := s.Columns.Index(column)
		sh.lifted = append(sh.lifted, lifted{at, sh.fields[name].at})
	}
	slices.SortFunc(sh.lifted, func(a, b lifted) int { return a.column - b.column }) // the digest needs an order
	return sh
}

// CopyIndex is the place among Item.Copies of the field that holds a copy.
func (sh *Shape) CopyIndex(name string) int { return sh.fields[name].at }

// WithoutSecrets is an object without the fields that are secrets, at any depth.
func (sh *Shape) WithoutSecrets(raw []byte) []byte { return withoutSecrets(raw, sh.secrets) }

// SecretFields are the names of the fields that WithoutSecrets takes out.
func (sh *Shape) SecretFields() []string { return slices.Clone(sh.secrets) }

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// field is what becomes of one field of an object, and what is expected of it.
type field struct {
	role   role
	at     int             // its index among the columns, the children, or the copies
	takes  string          // see Column.Takes
	values map[string]bool // of a column: the values that are known, as JSON; nil = any
	bit    uint            // of a column that is always sent: its place in Shape.always, from 1; 0 = none
}

type role uint8

const (
	asUnknown role = iota // kept in _extra, and noted
	asExtra               // kept in _extra
	asColumn
	asList // of children
	asCopy // of a row of another stream
	asNothing
)

// fieldSet is a set of up to 128 fields, by their bit.
type fieldSet [2]uint64

func (s *fieldSet) add(bit uint) { s[bit>>6] |= 1 << (bit & 63) }

// setFields works out what becomes of each field: key is the column that holds the object's id, parent the one that holds
// its parent's.
func (sh *Shape) setFields(key, parent string, lists map[string]int, drop []string, known Expect) {
	sh.fields = map[string]field{}
	sh.names = []string{""} // bit 0 is nobody's
	sparse := set(known.Sparse)
	for i, c := range sh.Columns.List {
		name := c.Name
		if strings.HasPrefix(name, "_") { // ours are not Polar's to set
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
