package item

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/rawjson"
)

// Item is one JSON object taken apart. Its values are slices of it.
type Item struct {
	ID       uuid.UUID
	Hash     []byte           // digest of all that is kept, children included; 16 bytes
	Values   []jsontext.Value // by Shape.Columns; nil is NULL
	Children [][]Item         // by Shape.Children
	Copies   []jsontext.Value // by Shape.CopyIndex: copies of other objects, as received; nil where there is none
	Deleted  bool             // the object says that Polar has deleted it
	// Anonymized are customers in the object whom Polar has anonymized.
	Anonymized []uuid.UUID
	Raw        jsontext.Value // as received, without secrets; nil for a child
	Encoded    []byte         // its columns as the store takes them, if encoded ahead
	whose      jsontext.Value // its organization, if it names one
}

// ErrNoID: an object has no usable id.
var ErrNoID = errors.New("no usable id")

var errNullID = fmt.Errorf("%w: null is no UUID", ErrNoID)

// Splitter takes objects apart, one at a time.
type Splitter struct {
	Drift *Drift // collects what is unexpected; nil: nothing does
	// Checked: the objects are known to be valid JSON.
	Checked bool
	// Organization is the organization whose objects are accepted; zero: any.
	Organization uuid.UUID
	// orders are those of the fields of the objects before, which the next one mostly has, too.
	orders map[*Shape]*order
	// kept is a stack of the kept values of current objects, for their digests.
	kept []byte
}

// Split takes an object apart at its top level, in one pass: fields that are columns, lists that are child tables, copies of
// other objects (dropped), and for _extra every other field, documented or not. Values stay bytes; no number passes through a
// float64.
//
// With an error, the Item has Raw, and the ID where it could be read.
func (sp *Splitter) Split(sh *Shape, raw jsontext.Value) (it Item, err error) {
	raw = withoutSecrets(raw, sh.secrets)
	sp.kept = sp.kept[:0]
	if err = sp.check(sh, raw); err != nil {
		it.ID, _ = FieldID(raw, "id") // another error refuses the object
	} else if it, err = sp.object(sh, raw); err == nil {
		it.Anonymized = Anonymized(raw)
		err = sp.ours(sh, &it)
	}
	if sp.Drift != nil {
		sp.Drift.SetSample(it.ID)
	}
	it.Raw = raw
	return it, err
}

// check refuses what is not JSON, not UTF-8, or nested too deep. Dropped fields only have to be recognizable: a broken copy
// inside an object must not cost the object.
func (sp *Splitter) check(sh *Shape, raw jsontext.Value) error {
	twice := jsontext.AllowDuplicateNames(true)
	if sp.Checked || raw.IsValid(twice) {
		return nil
	}
	kept := raw
	if cut, _ := shallow(raw); cut.IsValid(twice, jsontext.AllowInvalidUTF8(true)) {
		kept = rawjson.WithoutMembers(raw, func(name []byte) rawjson.Fate {
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

// shallow is a text without the parts that a decoder does not follow. deep: there are such parts.
func shallow(raw jsontext.Value) (_ jsontext.Value, deep bool) {
	cut := rawjson.CutDepth(raw, rawjson.MaxDepth)
	return cut, len(cut) > 0 && &cut[0] != &raw[0]
}

// ours refuses an object of another organization. An object that does not name its own is judged by the first object in it that
// does, and accepted where none does.
func (sp *Splitter) ours(sh *Shape, o *Item) error {
	if sp.Organization == (uuid.UUID{}) {
		return nil
	}
	whose, in := o.whose, 0
	for ; in < len(o.Copies) && whose.Kind() != '"'; in++ {
		whose = rawjson.Member(o.Copies[in], "organization_id")
	}
	id, err := parseID(whose)
	if err != nil || id == sp.Organization {
		return nil
	}
	what := sh.whose
	if in > 0 {
		what = sh.copied[in-1] + ".organization_id"
	}
	return fmt.Errorf("of another organization: its %s is %s, this schema mirrors %s", what, id, sp.Organization)
}

func (sp *Splitter) object(sh *Shape, raw jsontext.Value) (o Item, err error) {
	if raw.Kind() != '{' {
		return o, fmt.Errorf("%w: not a JSON object", ErrNoID)
	}
	all := make([]jsontext.Value, len(sh.Columns.List)+len(sh.copied))
	o.Values, o.Copies = all[:len(sh.Columns.List)], all[len(sh.Columns.List):]
	if len(sh.Children) > 0 {
		o.Children = make([][]Item, len(sh.Children))
	}
	var met progress
	before := sp.before(sh)
	bottom := len(sp.kept)
	for quoted, val := range rawjson.Members(raw) {
		name, err := rawjson.Unquote(quoted)
		if err != nil {
			return o, fmt.Errorf("field name %s: %w", quoted, err)
		}
		f := before.field(sh, name)
		if sh.onlyKey && f.role == asUnknown {
			continue
		}
		met.seen.add(f.bit)
		if val = sp.expected(sh, f, name, val); f.role == asList && val.Kind() != 'n' {
			sp.kept = append(sp.kept, quoted...)
			if o.Children[f.at], err = sp.list(&sh.Children[f.at].Shape, val); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
			for _, c := range o.Children[f.at] {
				sp.kept = append(sp.kept, c.Hash...)
			}
			continue
		}
		if f.role == asInside && val.Kind() == '{' {
			err = sp.inside(sh.inside, &o, &met, quoted, val)
		} else {
			err = sp.member(sh, &o, &met, f, quoted, name, val)
		}
		if err != nil {
			return o, err
		}
	}
	sh.missing(sp.Drift, met.seen)
	if !met.id {
		return o, fmt.Errorf("%w: the field is missing", ErrNoID)
	}
	for _, l := range sh.lifted {
		if id, err := FieldID(o.Copies[l.copy], "id"); err == nil && o.Values[l.column] == nil {
			o.Values[l.column] = strconv.AppendQuote(nil, id.String())
			sp.kept = append(sp.kept, o.Values[l.column]...)
		}
	}
	sum := sha256.Sum256(sp.kept[bottom:])
	sp.kept = sp.kept[:bottom]
	o.Hash = sum[:16]
	o.SetColumn(&sh.Columns, "_hash", base64.StdEncoding.AppendEncode([]byte{'"'}, o.Hash), '"')
	o.SetColumn(&sh.Columns, "_extra", append([]byte{'{'}, bytes.TrimPrefix(met.extra, []byte{','})...), '}')
	return o, nil
}

// progress is what has been found in the current object.
type progress struct {
	seen  fieldSet
	extra []byte // members for _extra, each after a comma
	id    bool   // the object had an id
}

// expected records what is unexpected of a field, and returns the value to keep.
func (sp *Splitter) expected(sh *Shape, f field, name []byte, val jsontext.Value) jsontext.Value {
	if sp.Drift != nil {
		f.check(sp.Drift, sh.prefix, name, val)
	}
	if f.takes != WholeNumber || val.Kind() != '0' {
		return val
	}
	// It is normalized here, so that the digests of 4800.0 and 4800 are equal, and every way into a table takes the value.
	whole := rawjson.WholeNumber(val)
	if sp.Drift != nil && !bytes.Equal(val, whole) {
		sp.Drift.note(met{sh.prefix, OtherType, string(name), otherNumber})
	}
	return whole
}

// member puts one field that is no list of children in its place.
func (sp *Splitter) member(sh *Shape, o *Item, met *progress, f field, quoted, name []byte, val jsontext.Value) (err error) {
	kind := val.Kind()
	switch f.role {
	case asNothing:
		return nil
	case asCopy:
		if kind == '{' {
			o.Copies[f.at] = val
		}
		return nil
	}
	if string(name) == sh.whose {
		o.whose = val
	}
	switch string(name) {
	case "id":
		if o.ID, err = parseID(val); err != nil {
			return err
		}
		met.id = true
	case "deleted_at":
		o.Deleted = o.Deleted || kind == '"'
	}
	sp.place(o, met, f, quoted, val)
	return nil
}

// place keeps a value: in its column, else for _extra.
func (sp *Splitter) place(o *Item, met *progress, f field, quoted, val jsontext.Value) {
	sp.kept = append(append(sp.kept, quoted...), val...)
	switch {
	case f.role != asColumn:
		met.extra = append(append(append(append(met.extra, ','), quoted...), ':'), val...)
	// An absent field becomes NULL as well.
	case val.Kind() == 'n':
		o.Values[f.at] = nil
	default:
		o.Values[f.at] = val
	}
}

// inside puts the members of an object in a field in their places: columns of the whole, and the field's part of _extra.
func (sp *Splitter) inside(sh *Shape, o *Item, met *progress, field []byte, object jsontext.Value) error {
	var here progress
	sp.kept = append(append(sp.kept, field...), '{')
	for quoted, val := range rawjson.Members(object) {
		name, err := rawjson.Unquote(quoted)
		if err != nil {
			return fmt.Errorf("field name %s%s: %w", sh.prefix, quoted, err)
		}
		f := sh.fields[string(name)]
		here.seen.add(f.bit)
		if sh.null != "" && f.role == asColumn && rawjson.Text(val) == sh.null {
			val = jsontext.Value("null")
		}
		sp.place(o, &here, f, quoted, sp.expected(sh, f, name, val))
	}
	sp.kept = append(sp.kept, '}')
	sh.missing(sp.Drift, here.seen)
	if len(here.extra) > 0 {
		met.extra = append(append(append(append(met.extra, ','), field...), ':', '{'), here.extra[1:]...)
		met.extra = append(met.extra, '}')
	}
	return nil
}

func (sp *Splitter) list(sh *Shape, raw jsontext.Value) (list []Item, err error) {
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

// SetColumn sets a column of syncd's own to a JSON value, whatever the object had under its name. The table must have the column.
func (o *Item) SetColumn(c *Columns, column string, value []byte, end ...byte) {
	o.Values[c.index[column]] = append(value, end...)
}

// PlaceInParent makes the object an element of a parent's list. It replaces Polar's own field of that name: an archived price of
// a subscription names its own product.
func (o *Item) PlaceInParent(c *ChildShape, parent uuid.UUID, position int) {
	o.SetColumn(&c.Columns, c.Parent, strconv.AppendQuote(nil, parent.String()))
	o.SetColumn(&c.Columns, "_position", strconv.AppendInt(nil, int64(position), 10))
}

func parseID(val jsontext.Value) (uuid.UUID, error) {
	if len(val) == 0 || val[0] == 'n' { // so often that it must not cost an error of its own
		return uuid.UUID{}, errNullID
	}
	if val.Kind() != '"' || len(val) != 38 {
		return uuid.UUID{}, fmt.Errorf("%w: %.80s is no UUID", ErrNoID, val)
	}
	id, err := uuid.ParseBytes(val[1 : len(val)-1])
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("%w: %.80s is no UUID", ErrNoID, val)
	}
	return id, nil
}
