package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/rawjson"
	"syncd/internal/store/wire"
)

// shape says what becomes of each field of an object.
type shape struct {
	table  Table
	fields map[string]field // by the name that Polar sends
	always fieldSet         // those that are always sent
	names  []string         // their names, by bit
	prefix string           // of names of fields in findings: prices[].
	childs []childShape
	copied []string // dropped fields of an item: it comes with them, in the order of Stream.Embedded
	lifted []lifted
	// whose is the field that names the organization; "" = the objects do not say.
	whose   string
	dropped map[string]bool // fields that are dropped, of the children too
	// onlyKey: what is no column is dropped, and no surprise.
	onlyKey bool
}

// lifted is a column for the id of a copy; both by index.
type lifted struct{ column, copy int }

type childShape struct {
	shape
	Child
}

func newShape(s Stream) shape {
	sh := shape{table: s.Table, whose: s.Whose, copied: s.Embedded, dropped: set(s.Embedded)}
	if sh.whose == "" {
		sh.whose = "organization_id"
	}
	lists := map[string]int{}
	for i, c := range s.Children {
		lists[c.Field] = i
		child := childShape{shape{table: c.Table, prefix: c.Field + "[].", onlyKey: c.OnlyKey}, c}
		child.fields, child.always, child.names = newFields(c.Table, c.Key, c.Parent, nil, c.Embedded, c.Expect)
		sh.childs = append(sh.childs, child)
		for _, name := range c.Embedded {
			sh.dropped[name] = true
		}
	}
	known := s.Expect
	known.Sparse = slices.AppendSeq(slices.Clone(known.Sparse), maps.Keys(s.Lifted))
	sh.fields, sh.always, sh.names = newFields(s.Table, "id", "", lists, s.Embedded, known)
	for i, name := range sh.copied {
		f := sh.fields[name]
		f.role, f.at = asCopy, i
		sh.fields[name] = f
	}
	for column, name := range s.Lifted {
		sh.lifted = append(sh.lifted, lifted{s.Table.index[column], sh.fields[name].at})
	}
	slices.SortFunc(sh.lifted, func(a, b lifted) int { return a.column - b.column }) // the digest needs an order
	return sh
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// object is one JSON object taken apart. Its values are slices of it.
type object struct {
	id       uuid.UUID
	hash     []byte           // of all that is kept, children included
	values   []jsontext.Value // by the columns of its table; nil is NULL
	children [][]object       // by index of Stream.Children
	deleted  bool             // it says that Polar has deleted it
	copies   []jsontext.Value // by index of shape.copied: copies of other objects, as received
	whose    jsontext.Value   // what it says of its organization
	tuple    []byte           // what COPY takes, where it was made ahead: see prepared.compose
}

var errNoID = errors.New("no usable id")

// splitter takes items apart, one at a time.
type splitter struct {
	drift *drift // notes what is not as expected; nil: nothing does
	// kept is a stack of what is kept of the objects under way, for their digests.
	kept []byte
	// checked: the items are known to be valid JSON.
	checked bool
	// organization is the one whose objects are taken; zero: those of any.
	organization uuid.UUID
}

// split takes an item apart at its top level, once: fields that are columns,
// lists that are child tables, copies of other objects (dropped), and whatever
// is left, documented or not, for _extra. Values stay bytes; no number passes
// through a float64.
//
// The object's id is returned even with an error, where it could be read.
func (sp *splitter) split(sh *shape, raw jsontext.Value) (object, error) {
	sp.kept = sp.kept[:0]
	if err := sp.check(sh, raw); err != nil {
		id, _ := fieldID(raw, "id") // the item is refused for another reason
		return object{id: id}, err
	}
	o, err := sp.object(sh, raw)
	if err == nil {
		err = sp.ours(sh, &o)
	}
	return o, err
}

// check refuses what is no JSON, or no UTF-8, or nested too deep. Fields that are dropped it only wants to be told from
// the others: an object is not to be lost for a copy inside it.
func (sp *splitter) check(sh *shape, raw jsontext.Value) error {
	twice := jsontext.AllowDuplicateNames(true)
	if sp.checked || raw.IsValid(twice) {
		return nil
	}
	kept := raw
	if cut, _ := shallow(raw); cut.IsValid(twice, jsontext.AllowInvalidUTF8(true)) {
		kept = rawjson.Without(raw, func(name []byte) rawjson.Fate {
			switch {
			case sh.dropped[string(name)]:
				return rawjson.Drop
			case sh.fields[string(name)].role == asList:
				return rawjson.Enter
			}
			return rawjson.Keep
		})
	}
	if _, deep := shallow(kept); deep {
		return fmt.Errorf("nested deeper than %d levels", rawjson.MaxDepth)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(kept), twice)
	_, err := dec.ReadValue()
	switch {
	case err != nil:
		return fmt.Errorf("not valid JSON: %w", err)
	case !kept.IsValid(twice):
		return errors.New("not valid JSON: more than one value")
	}
	return nil
}

// shallow is a text without what a decoder does not follow, and whether there is any of that.
func shallow(raw jsontext.Value) (_ jsontext.Value, deep bool) {
	cut := rawjson.Shallow(raw, rawjson.MaxDepth)
	return cut, len(cut) > 0 && &cut[0] != &raw[0]
}

// ours refuses an object of another organization. One that does not say whose it is goes by the first of the objects in
// it that does, and is taken where none does.
func (sp *splitter) ours(sh *shape, o *object) error {
	if sp.organization == (uuid.UUID{}) {
		return nil
	}
	whose, what := o.whose, sh.whose
	for i := 0; i < len(o.copies) && whose.Kind() != '"'; i++ {
		whose, what = rawjson.Member(o.copies[i], "organization_id"), sh.copied[i]+".organization_id"
	}
	if id, err := parseID(whose); err == nil && id != sp.organization {
		return fmt.Errorf("of another organization: its %s is %s, this schema mirrors %s", what, id, sp.organization)
	}
	return nil
}

func (sp *splitter) object(sh *shape, raw jsontext.Value) (o object, err error) {
	if raw.Kind() != '{' {
		return o, fmt.Errorf("%w: not a JSON object", errNoID)
	}
	all := make([]jsontext.Value, len(sh.table.columns)+len(sh.copied))
	o.values, o.copies = all[:len(sh.table.columns)], all[len(sh.table.columns):]
	if len(sh.childs) > 0 {
		o.children = make([][]object, len(sh.childs))
	}
	var hasID bool
	var seen fieldSet
	var extra []byte
	bottom := len(sp.kept)
	for quoted, val := range rawjson.Members(raw) {
		name, err := rawjson.Unquoted(quoted)
		if err != nil {
			return o, fmt.Errorf("field name %s: %w", quoted, err)
		}
		f := sh.fields[string(name)]
		if sh.onlyKey && f.role == asUnknown {
			continue
		}
		seen.add(f.bit)
		kind := val.Kind()
		if sp.drift != nil {
			f.check(sp.drift, sh.prefix, name, val)
		}
		if f.takes == wholeNumber && kind == '0' {
			// Here, so that the digest does not tell 4800.0 from 4800, and every way into a table takes it.
			written := val
			if val = wire.Whole(val); sp.drift != nil && !bytes.Equal(val, written) {
				sp.drift.note(met{sh.prefix, otherType, string(name), otherNumber})
			}
		}
		switch f.role {
		case asNothing:
			continue
		case asCopy:
			if kind == '{' {
				o.copies[f.at] = val
			}
			continue
		case asList:
			if kind == 'n' {
				break // out of the switch: kept as a null
			}
			sp.kept = append(sp.kept, quoted...)
			if o.children[f.at], err = sp.list(&sh.childs[f.at].shape, val); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
			for _, c := range o.children[f.at] {
				sp.kept = append(sp.kept, c.hash...)
			}
			continue
		}
		if string(name) == sh.whose {
			o.whose = val
		}
		switch string(name) {
		case "id":
			if o.id, err = parseID(val); err != nil {
				return o, err
			}
			hasID = true
		case "deleted_at":
			o.deleted = o.deleted || kind == '"'
		}
		sp.kept = append(append(sp.kept, quoted...), val...)
		switch {
		case f.role != asColumn:
			extra = append(append(append(append(extra, ','), quoted...), ':'), val...)
		case kind == 'n': // NULL is what an absent field becomes
			o.values[f.at] = nil
		default:
			o.values[f.at] = val
		}
	}
	if seen[0]|1 != sh.always[0]|1 || seen[1] != sh.always[1] {
		sh.missing(sp.drift, seen)
	}
	if !hasID {
		return o, fmt.Errorf("%w: the field is missing", errNoID)
	}
	for _, l := range sh.lifted {
		if id, err := fieldID(o.copies[l.copy], "id"); err == nil && o.values[l.column] == nil {
			o.values[l.column] = strconv.AppendQuote(nil, id.String())
			sp.kept = append(sp.kept, o.values[l.column]...)
		}
	}
	sum := sha256.Sum256(sp.kept[bottom:])
	sp.kept = sp.kept[:bottom]
	o.hash = sum[:16]
	o.put(&sh.table, "_hash", base64.StdEncoding.AppendEncode([]byte{'"'}, o.hash), '"')
	o.put(&sh.table, "_extra", append([]byte{'{'}, bytes.TrimPrefix(extra, []byte{','})...), '}')
	return o, nil
}

func (sp *splitter) list(sh *shape, raw jsontext.Value) (list []object, err error) {
	if raw.Kind() != '[' {
		return nil, fmt.Errorf("%s instead of a list", kindName(raw.Kind()))
	}
	for val := range rawjson.Elements(raw) {
		o, err := sp.object(sh, val)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(list), err)
		}
		list = append(list, o)
	}
	return list, nil
}

// put sets a column of ours, whatever the object had under its name.
func (o *object) put(t *Table, column string, value []byte, end ...byte) {
	o.values[t.index[column]] = append(value, end...)
}

// place makes the object an element of a parent's list. Polar's own field of
// that name loses: an archived price of a subscription names its own product.
func (o *object) place(c *childShape, parent uuid.UUID, position int) {
	o.put(&c.table, c.Parent, strconv.AppendQuote(nil, parent.String()))
	o.put(&c.table, "_position", strconv.AppendInt(nil, int64(position), 10))
}

// requested is the value of _requested_at.
func requested(at time.Time) jsontext.Value {
	return append(at.UTC().AppendFormat([]byte{'"'}, time.RFC3339Nano), '"')
}

func parseID(val jsontext.Value) (uuid.UUID, error) {
	if val.Kind() != '"' || len(val) != 38 {
		return uuid.UUID{}, fmt.Errorf("%w: %.80s is no UUID", errNoID, val)
	}
	id, err := uuid.ParseBytes(val[1 : len(val)-1])
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("%w: %.80s is no UUID", errNoID, val)
	}
	return id, nil
}
