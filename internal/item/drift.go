package item

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// The kinds of drift.
const (
	NewField     = "new_field"     // an unknown field
	MissingField = "missing_field" // a column's field that was not sent; Polar would send null
	OtherType    = "type"          // a value of another JSON type than its column takes, or a whole number with a point or an exponent
	NewValue     = "new_value"     // a value that is not in the known list
	OtherVersion = "version"       // of the API
)

// otherNumber is the value of an OtherType finding for a whole number that is not written in plain digits.
const otherNumber = "number with a point or an exponent"

// maxDrift bounds the findings of one run, for a field whose name or value differs in each object.
const maxDrift = 100

// Finding is one way in which objects differ from the known API.
type Finding struct {
	Kind, Field string
	Value       string    // NewValue: the value; OtherType: the JSON type that came; OtherVersion: the version that came
	Sample      uuid.UUID // an object that shows it; zero where it has no usable id
}

// met is a finding as it is recorded. The name of its field is put together only at the end.
type met struct{ prefix, kind, field, value string }

// Drift collects findings: each once, with the first object that shows it. The zero value is ready. One goroutine at a time may
// use it.
type Drift struct {
	samples map[met]uuid.UUID
	order   []met
	sealed  int // number of findings in order that have their sample
}

// NoteFinding adds a finding that no object shows.
func (d *Drift) NoteFinding(kind, field, value string) {
	d.note(met{kind: kind, field: field, value: value})
}

// note must stay cheap: a million objects may show the same finding.
func (d *Drift) note(m met) {
	if _, known := d.samples[m]; known || len(d.order) >= maxDrift {
		return
	}
	if d.samples == nil {
		d.samples = make(map[met]uuid.UUID)
	}
	d.samples[m] = uuid.UUID{}
	d.order = append(d.order, m)
}

// SetSample makes an object the sample of the findings since the last call.
func (d *Drift) SetSample(id uuid.UUID) {
	for _, m := range d.order[d.sealed:] {
		d.samples[m] = id
	}
	d.sealed = len(d.order)
}

// FirstBreaking is the first finding that would empty a column: a missing field, or one of another type. New fields and values
// empty none.
func (d *Drift) FirstBreaking() (Finding, bool) {
	i := slices.IndexFunc(d.order, func(m met) bool { return m.kind == MissingField || m.kind == OtherType })
	if i < 0 {
		return Finding{}, false
	}
	return d.finding(d.order[i]), true
}

// Findings returns all findings, in the order of their first objects.
func (d *Drift) Findings() []Finding {
	list := make([]Finding, len(d.order))
	for i, m := range d.order {
		list[i] = d.finding(m)
	}
	return list
}

func (d *Drift) finding(m met) Finding {
	return Finding{Kind: m.kind, Field: m.prefix + m.field, Value: m.value, Sample: d.samples[m]}
}

// check records what is unexpected about a field; null is always expected.
func (f *field) check(d *Drift, prefix string, name []byte, val jsontext.Value) {
	kind := val.Kind()
	switch {
	case f.role == asUnknown:
		d.note(met{prefix, NewField, string(name), ""})
	case kind == 'n':
	case f.takes != "" && strings.IndexByte(f.takes, byte(kind)) < 0:
		d.note(met{prefix, OtherType, string(name), kindName(kind)})
	case f.values != nil && !f.values[string(val)]:
		text, err := jsontext.AppendUnquote(nil, val)
		if err != nil || f.values[`"`+string(text)+`"`] {
			return
		}
		d.note(met{prefix, NewValue, string(name), string(text[:min(len(text), 200)])})
	}
}

// missing records fields that Polar always sends and did not send.
func (sh *Shape) missing(d *Drift, seen fieldSet) {
	if d == nil || seen[0]|1 == sh.always[0]|1 && seen[1] == sh.always[1] {
		return
	}
	for bit, name := range sh.names {
		if bit > 0 && seen[bit>>6]&(1<<(bit&63)) == 0 {
			d.note(met{sh.prefix, MissingField, name, ""})
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
