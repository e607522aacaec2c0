package polarsim

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// given tells whether a field was sent with something other than null.
func (f *form) given(name string) bool { return f.sent(name) && !f.null(name) }

// refuseAt is refuse for what is no field of the form's own.
func (f *form) refuseAt(loc []any, kind, message string, input any) {
	if len(f.list) == 0 || f.polar {
		f.polar = true
		f.add(kind, loc, message, input, "")
	}
}

// keptEnum reads one of a closed list of strings that a row is given when it is made and then keeps: old is "" in a new row.
func (f *form) keptEnum(name, old, message string, allowed ...string) string {
	v := f.enum(name, allowed...)
	switch {
	case old == "" && v == "":
		f.missing(name)
	case old != "" && v != "" && v != old:
		f.refuse(name, "value_error", message)
	}
	return firstOf(old, v)
}

// within reads an integer from least to most.
func (f *form) within(name string, least, most int64) int64 {
	v := f.int(name, least)
	if v > most {
		f.wrong(name, "less_than_equal", most)
	}
	return v
}

// time reads a moment, which needs an offset; null gives 0.
func (f *form) time(name string) (t Time) {
	if !f.given(name) {
		return 0
	}
	p := &problems{}
	t, naive := parseTime(p, name, f.text(name, math.MaxInt))
	if naive || len(p.list) > 0 {
		f.wrong(name, "timezone_aware")
	}
	return t
}

// url reads an address of a page; null gives "".
func (f *form) url(name string) string {
	s := f.text(name, 2083)
	if s != "" && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		f.wrong(name, "url_parsing", "relative URL without a base")
	}
	return s
}

// refs reads a list of ids of rows. refusal gives Polar's message for a row that cannot be used, and for None, which stands for no row.
func (f *form) refs(w *World, name string, kind Kind, refusal func(n Ref) string) []Ref {
	texts := f.texts(name)
	rows := make([]Ref, 0, len(texts))
	for i, text := range texts {
		at := append(f.at(name), i)
		id, valid := parseID(f.problems, at, text)
		if !valid {
			continue
		}
		n := None
		if number, known := w.keys.number(kind, id); known {
			n = Ref(number)
		}
		if message := refusal(n); message != "" {
			f.refuseAt(at, "value_error", message, text)
			continue
		}
		rows = append(rows, n)
	}
	return rows
}

// property is a member of the properties of a benefit or a custom field: with what its JSON text begins, and what it is where it is not sent.
type property struct{ name, begins, otherwise string }

// How the values of properties begin, and what stands for one that is not sent: it has to be, or it is left out.
const (
	aText     = `"`
	anInteger = `-0123456789`
	aBool     = `tf`
	aList     = `[`
	anObject  = `{`
	needed    = ""
	leftOut   = "-"
)

// properties reads the member of that name as JSON text, with the members that shape lists and no others.
func (f *form) properties(shape []property) string {
	sub, ok := f.under("properties")
	if !ok {
		if f.null("properties") || !f.sent("properties") {
			f.missing("properties")
		}
		return ""
	}
	var o object
	o.open()
	for _, p := range shape {
		raw := sub.fields[p.name]
		switch {
		case len(raw) == 0 && p.otherwise == needed:
			sub.missing(p.name)
		case len(raw) == 0 && p.otherwise != leftOut:
			o.raw(p.name, p.otherwise)
		case len(raw) == 0:
		case sub.null(p.name) && p.otherwise == leftOut: // a text that is not there
		case !strings.ContainsRune(p.begins, rune(raw[0])) && (!sub.null(p.name) || p.otherwise != "null"):
			sub.add("value_error", sub.at(p.name), "Input should be valid", raw, "")
		default:
			var text bytes.Buffer
			if err := json.Compact(&text, raw); err != nil || !validText(text.String()) || bytes.Contains(raw, []byte(`\u0000`)) {
				sub.invalid(p.name, "null bytes are not allowed")
			}
			o.raw(p.name, text.String())
		}
	}
	o.close()
	return string(o.b)
}

// benefitProperties are the properties of benefits by type (polarsource/polar, server/polar/benefit/strategies/*/schemas.py).
var benefitProperties = map[string][]property{
	"custom":               {{"note", aText, "null"}},
	"discord":              {{"guild_token", aText, needed}, {"guild_id", aText, `"1029384756"`}, {"role_id", aText, needed}, {"kick_member", aBool, needed}},
	"github_repository":    {{"repository_owner", aText, needed}, {"repository_name", aText, needed}, {"permission", aText, needed}},
	"downloadables":        {{"archived", anObject, "{}"}, {"files", aList, needed}},
	"license_keys":         {{"prefix", aText, "null"}, {"expires", anObject, "null"}, {"activations", anObject, "null"}, {"limit_usage", anInteger, "null"}},
	"meter_credit":         {{"units", anInteger, needed}, {"rollover", aBool, needed}, {"meter_id", aText, needed}},
	"feature_flag":         {},
	"slack_shared_channel": {{"slack_integration_id", aText, needed}, {"channel_name_template", aText, needed}, {"private", aBool, "true"}, {"welcome_message", aText, "null"}, {"archive_on_revoke", aBool, "true"}, {"team_invitees", aList, "[]"}},
}

// fieldProperties are the properties of custom fields by type (polarsource/polar, server/polar/models/custom_field.py).
func fieldProperties(kind string) []property {
	own := map[string][]property{
		"text":   {{"textarea", aBool, leftOut}, {"min_length", anInteger, leftOut}, {"max_length", anInteger, leftOut}},
		"number": {{"ge", anInteger, leftOut}, {"le", anInteger, leftOut}},
		"date":   {{"ge", anInteger, leftOut}, {"le", anInteger, leftOut}},
		"select": {{"options", aList, needed}},
	}
	return slices.Concat([]property{{"form_label", aText, leftOut}, {"form_help_text", aText, leftOut}, {"form_placeholder", aText, leftOut}}, own[kind])
}
