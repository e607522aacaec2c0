package mirror

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/store"
)

// The kinds of drift.
const (
	newField     = "new_field"     // a field that is not known of
	missingField = "missing_field" // a column's field that was not sent, though null would be
	otherType    = "type"          // a value of another JSON type than its column takes, or a whole number that is written otherwise
	newValue     = "new_value"     // a value that is not on the list of those known
	otherVersion = "version"       // of the API
)

// otherNumber is what the kind type says of a whole number that is not written in plain digits.
const otherNumber = "number with a point or an exponent"

// maxDrift bounds what one run notes. A field whose name or value is another in each object is one finding, not a million.
const maxDrift = 100

// met is one finding.
type met struct{ prefix, kind, field, value string }

// drift collects what a run meets that is not as expected: each thing once, with the first item that shows it. Nil
// collects nothing.
type drift struct {
	samples map[met]uuid.UUID
	order   []met
	sealed  int // findings of order that have their sample
}

// note must stay cheap: what one object shows, a million others may show too.
func (d *drift) note(m met) {
	if _, known := d.samples[m]; known || len(d.order) >= maxDrift {
		return
	}
	if d.samples == nil {
		d.samples = make(map[met]uuid.UUID)
	}
	d.samples[m] = uuid.UUID{}
	d.order = append(d.order, m)
}

// seal makes an item the sample of what was met in it.
func (d *drift) seal(item uuid.UUID) {
	for _, m := range d.order[d.sealed:] {
		d.samples[m] = item
	}
	d.sealed = len(d.order)
}

// breaks is something that a version of the API that this syncd does not know has changed in what it does know: a field
// that is gone or of another type. New fields and values are not.
func (d *drift) breaks() (met, bool) {
	i := slices.IndexFunc(d.order, func(m met) bool { return m.kind == missingField || m.kind == otherType })
	if i < 0 {
		return met{}, false
	}
	return d.order[i], true
}

func (d *drift) list() []store.Drift {
	list := make([]store.Drift, len(d.order))
	for i, m := range d.order {
		list[i] = store.Drift{Kind: m.kind, Field: m.prefix + m.field, Value: m.value, Sample: d.samples[m]}
	}
	return list
}

// recordDrift puts down what the run met. That it could not is no reason to fail the run: the next one meets it again.
func (sw *sweep) recordDrift(ctx context.Context) {
	if echo := sw.r.Client.VersionEcho(); echo != "" && (echo != sw.r.Client.Version() || sw.r.Client.Retired() != "") {
		sw.drift.note(met{kind: otherVersion, field: "Polar-Version", value: echo})
	}
	if err := sw.r.noteVersion(ctx, sw.r.version.Load()); err != nil {
		sw.r.Log.WarnContext(ctx, "the version of the API is not recorded", "error", err)
	}
	if len(sw.drift.order) == 0 {
		return
	}
	l := sw.r.Log.With("stream", sw.s.Name)
	fresh, err := sw.run.RecordDrift(ctx, sw.drift.list())
	if err != nil {
		l.WarnContext(ctx, "drift not recorded", "error", err)
	}
	for _, d := range fresh {
		l.WarnContext(ctx, "Polar answers otherwise than this syncd knows", "kind", d.Kind, "field", d.Field, "value", d.Value, "sample", d.Sample)
	}
}

// field is what becomes of one field of an object, and what is expected of it.
type field struct {
	role   role
	at     int             // its index among the columns, the children, or the copies
	takes  string          // of a column: the kinds of JSON values that it can hold beside null, as jsontext.Kind has them; "" = all
	values map[string]bool // of a column: the values that are known, as JSON; nil = any
	bit    uint            // of a column that is always sent: its place in shape.always, from 1; 0 = none
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

func newFields(t Table, key, parent string, lists map[string]int, drop []string, known Expect) (fields map[string]field, always fieldSet, names []string) {
	fields = map[string]field{}
	names = []string{""} // bit 0 is nobody's
	sparse := set(known.Sparse)
	for i, c := range t.columns {
		name := c.name
		if strings.HasPrefix(name, "_") { // ours are not Polar's to set
			continue
		}
		f := field{role: asColumn, at: i, takes: c.takes}
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
		if !sparse[name] && name != parent && len(names) < 128 {
			f.bit = uint(len(names))
			names = append(names, sent)
			always.add(f.bit)
		}
		fields[sent] = f
	}
	for _, name := range known.Extra {
		fields[name] = field{role: asExtra}
	}
	for name, i := range lists {
		fields[name] = field{role: asList, at: i, takes: "["}
	}
	for _, name := range drop {
		fields[name] = field{role: asNothing}
	}
	return fields, always, names
}

// check notes what is unexpected about a field; null is always expected.
func (f *field) check(d *drift, prefix string, name []byte, val jsontext.Value) {
	kind := val.Kind()
	switch {
	case f.role == asUnknown:
		d.note(met{prefix, newField, string(name), ""})
	case kind == 'n':
	case f.takes != "" && strings.IndexByte(f.takes, byte(kind)) < 0:
		d.note(met{prefix, otherType, string(name), kindName(kind)})
	case f.values != nil && !f.values[string(val)]:
		text, err := jsontext.AppendUnquote(nil, val)
		if err != nil || f.values[`"`+string(text)+`"`] {
			return
		}
		d.note(met{prefix, newValue, string(name), string(text[:min(len(text), 200)])})
	}
}

// missing notes the fields that are always sent and were not.
func (sh *shape) missing(d *drift, seen fieldSet) {
	if d == nil {
		return
	}
	for bit, name := range sh.names {
		if bit > 0 && seen[bit>>6]&(1<<(bit&63)) == 0 {
			d.note(met{sh.prefix, missingField, name, ""})
		}
	}
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "array"
	case '0':
		return "number"
	case '"':
		return "string"
	}
	return "boolean"
}
