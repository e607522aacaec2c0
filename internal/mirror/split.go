package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// shape says what becomes of each field of an object.
type shape struct {
	fields map[string]field // by the name that Polar sends
	always fieldSet         // those that are always sent
	names  []string         // their names, by bit
	prefix string           // of names of fields in findings: prices[].
	childs []childShape
	copies map[string]string // dropped field -> the stream whose row it is a copy of
}

type childShape struct {
	shape
	Child
}

func newShape(s Stream) shape {
	sh := shape{copies: s.Copies}
	lists := map[string]int{}
	for i, c := range s.Children {
		lists[c.Field] = i
		child := childShape{shape{prefix: c.Field + "[]."}, c}
		child.fields, child.always, child.names = newFields(c.Table, c.Key, c.Parent, nil, c.Embedded, c.Expect)
		sh.childs = append(sh.childs, child)
	}
	sh.fields, sh.always, sh.names = newFields(s.Table, "id", "", lists, s.Embedded, s.Expect)
	return sh
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// object is one JSON object taken apart.
type object struct {
	id       uuid.UUID
	hash     []byte                    // of all that is kept, children included
	columns  []byte                    // "name":value,... of the fields that have a column and are not null
	extra    []byte                    // "name":value,... of the fields that have none
	children [][]object                // by index of Stream.Children
	deleted  bool                      // it says that Polar has deleted it
	copies   map[string]jsontext.Value // by field: copies of other objects, as received
}

var errNoID = errors.New("no usable id")

// split takes an item apart at its top level, once: fields that are columns,
// lists that are child tables, copies of other objects (dropped), and whatever
// is left, documented or not, for _extra. Values stay bytes; no number passes
// through a float64.
//
// The object's id is returned even with an error, where it could be read. What
// is not as expected is noted in d, if that is not nil.
func (sh *shape) split(raw jsontext.Value, d *drift) (o object, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))
	tok, err := dec.ReadToken()
	if err != nil {
		return o, fmt.Errorf("not valid JSON: %w", err)
	}
	if tok.Kind() != '{' {
		return o, fmt.Errorf("%w: not a JSON object", errNoID)
	}
	h := sha256.New()
	if len(sh.childs) > 0 {
		o.children = make([][]object, len(sh.childs))
	}
	var hasID bool
	var seen fieldSet
	for dec.PeekKind() == '"' {
		nameVal, err := dec.ReadValue()
		if err != nil {
			return o, fmt.Errorf("not valid JSON: %w", err)
		}
		start := len(o.columns)
		o.columns = append(append(o.columns, nameVal...), ':')
		quoted := o.columns[start : len(o.columns)-1]
		name, err := unquoted(quoted)
		if err != nil {
			return o, fmt.Errorf("field name %s: %w", quoted, err)
		}
		val, err := dec.ReadValue()
		if err != nil {
			return o, fmt.Errorf("field %s: not valid JSON: %w", name, err)
		}
		f := sh.fields[string(name)]
		seen.add(f.bit)
		if d != nil {
			f.check(d, sh.prefix, name, val)
		}
		switch f.role {
		case asList:
			if val.Kind() == 'n' {
				break
			}
			if val.Kind() != '[' {
				return o, fmt.Errorf("%s: %s instead of a list", name, kindName(val.Kind()))
			}
			h.Write(quoted)
			if o.children[f.list], err = sh.childs[f.list].splitList(val, d); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
			o.columns = o.columns[:start]
			for _, c := range o.children[f.list] {
				h.Write(c.hash)
			}
			continue
		case asNothing:
			if val.Kind() == '{' && sh.copies[string(name)] != "" {
				if o.copies == nil {
					o.copies = make(map[string]jsontext.Value, len(sh.copies))
				}
				o.copies[string(name)] = bytes.Clone(val)
			}
			o.columns = o.columns[:start]
			continue
		}
		switch string(name) {
		case "id":
			if o.id, err = parseID(val); err != nil {
				return o, err
			}
			hasID = true
		case "deleted_at":
			o.deleted = o.deleted || val.Kind() == '"'
		}
		h.Write(quoted)
		h.Write(val)
		switch {
		case f.role != asColumn:
			o.extra = append(append(o.extra, o.columns[start:]...), val...)
			o.extra = append(o.extra, ',')
			o.columns = o.columns[:start]
		case val.Kind() == 'n': // NULL is what an absent field becomes
			o.columns = o.columns[:start]
		case f.column != string(name):
			o.columns = append(strconv.AppendQuote(o.columns[:start], f.column), ':')
			o.columns = append(append(o.columns, val...), ',')
		default:
			o.columns = append(append(o.columns, val...), ',')
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return o, fmt.Errorf("not valid JSON: %w", err)
	}
	if seen[0]|1 != sh.always[0]|1 || seen[1] != sh.always[1] {
		sh.missing(d, seen)
	}
	if !hasID {
		return o, fmt.Errorf("%w: the field is missing", errNoID)
	}
	o.hash = h.Sum(make([]byte, 0, sha256.Size))[:16]
	return o, nil
}

func (sh *shape) splitList(raw jsontext.Value, d *drift) ([]object, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	var list []object
	for dec.PeekKind() != ']' {
		val, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("not valid JSON: %w", err)
		}
		o, err := sh.split(val, d)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(list), err)
		}
		list = append(list, o)
	}
	return list, nil
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

// document is the row as one JSON object, ready to be decoded into the upsert's
// parameters.
func (o *object) document(requestedAt time.Time) jsontext.Value {
	b := make([]byte, 0, len(o.columns)+len(o.extra)+160)
	return append(o.open(b, requestedAt), '}')
}

// childDocument is the same for an element of a parent's list.
func (o *object) childDocument(requestedAt time.Time, parentColumn string, parent uuid.UUID, position int) jsontext.Value {
	b := make([]byte, 0, len(o.columns)+len(o.extra)+240)
	b = o.open(b, requestedAt)
	// Last, so that it wins over a field of the same name in the element: an
	// archived price of a subscription names its own product.
	b = append(strconv.AppendQuote(append(b, ','), parentColumn), `:"`...)
	b = append(append(b, parent.String()...), `","_position":`...)
	return append(strconv.AppendInt(b, int64(position), 10), '}')
}

func (o *object) open(b []byte, requestedAt time.Time) []byte {
	b = append(append(b, '{'), o.columns...)
	b = append(append(b, `"_extra":{`...), bytes.TrimSuffix(o.extra, []byte{','})...)
	b = append(b, `},"_hash":"`...)
	b = base64.StdEncoding.AppendEncode(b, o.hash)
	b = append(b, `","_requested_at":"`...)
	return append(requestedAt.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}
