package polarsim

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// form is the body of a write: a JSON object whose fields are checked as they are read. What is wrong is added to the problems.
type form struct {
	*problems
	loc    []any
	fields map[string]json.RawMessage
}

// form reads the request body. ok is false when the response is set already.
func (c *call) form() (*form, bool) {
	f := &form{problems: &problems{}, loc: []any{"body"}}
	if len(c.input) == 0 {
		f.pydantic("missing", f.loc, nil)
		return nil, !c.invalid(f.problems)
	}
	var whole any
	if err := json.Unmarshal(c.input, &whole); err != nil {
		f.add("json_invalid", []any{"body", 0}, "JSON decode error", map[string]any{}, `{"error":`+quote(err.Error())+`}`) // FastAPI's own
		return nil, !c.invalid(f.problems)
	}
	if err := json.Unmarshal(c.input, &f.fields); err != nil || f.fields == nil {
		f.pydantic("model_attributes_type", f.loc, whole)
		return nil, !c.invalid(f.problems)
	}
	return f, true
}

// at is the location of a field.
func (f *form) at(name string) []any { return append(append([]any{}, f.loc...), name) }

// under gives the form of a field that is an object; ok is false where it is absent, null or no object.
func (f *form) under(name string) (sub *form, ok bool) {
	if !f.sent(name) || f.null(name) {
		return nil, false
	}
	sub = &form{problems: f.problems, loc: f.at(name)}
	if err := json.Unmarshal(f.fields[name], &sub.fields); err != nil {
		f.wrong(name, "model_attributes_type")
		return nil, false
	}
	return sub, true
}

func (f *form) sent(name string) bool { _, ok := f.fields[name]; return ok }
func (f *form) null(name string) bool { return string(f.fields[name]) == "null" }

// wrong adds one of pydantic's errors with a field; args are what its message tells.
func (f *form) wrong(name, kind string, args ...any) {
	f.pydantic(kind, f.at(name), f.fields[name], args...)
}

// invalid adds the message of one of Polar's validators, which pydantic runs.
func (f *form) invalid(name, message string) {
	f.add("value_error", f.at(name), "Value error, "+message, f.fields[name], `{"error":{}}`)
}

// refuse adds a problem that Polar's own code finds, once the framework found none.
func (f *form) refuse(name, kind, message string) {
	f.refuseAt(f.at(name), kind, message, f.fields[name])
}

// text reads a string of at most max characters; null and, as Polar does, an empty string give "".
func (f *form) text(name string, max int) string {
	if !f.sent(name) || f.null(name) {
		return ""
	}
	var s string
	if err := json.Unmarshal(f.fields[name], &s); err != nil {
		f.wrong(name, "string_type")
		return ""
	}
	if !validText(s) {
		f.invalid(name, "null bytes are not allowed")
	}
	if n := utf8.RuneCountInString(s); n > max {
		f.wrong(name, "string_too_long", max)
	}
	return s
}

// required reads a string that must be there and not be empty.
func (f *form) required(name string, least, max int) string {
	if !f.sent(name) {
		f.missing(name)
		return ""
	}
	if f.null(name) {
		f.wrong(name, "string_type")
		return ""
	}
	found := len(f.list)
	s := f.text(name, max)
	if len(f.list) == found && utf8.RuneCountInString(s) < least {
		f.wrong(name, "string_too_short", least)
	}
	return s
}

func (f *form) missing(name string) { f.pydantic("missing", f.at(name), f.fields) }

// email reads an address.
func (f *form) email(name string) string {
	s := strings.TrimSpace(f.text(name, math.MaxInt))
	if s == "" && (!f.sent(name) || f.null(name)) {
		return ""
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(s, " \n\"<>") {
		f.add("value_error", f.at(name), "value is not a valid email address: An email address must have an @-sign.", f.fields[name], "")
		return ""
	}
	return s
}

// enum reads one of a closed list of strings.
func (f *form) enum(name string, allowed ...string) string {
	if !f.sent(name) || f.null(name) {
		return ""
	}
	s := f.text(name, math.MaxInt)
	checkEnum(f.problems, f.at(name), s, allowed)
	return s
}

// elements reads a list; ok is false where it is none.
func (f *form) elements(name string) (elements []json.RawMessage, ok bool) {
	if err := json.Unmarshal(f.fields[name], &elements); err != nil || elements == nil {
		f.wrong(name, "list_type")
		return nil, false
	}
	return elements, true
}

// texts reads a list of strings.
func (f *form) texts(name string) []string {
	elements, _ := f.elements(name)
	values := make([]string, len(elements))
	for i, e := range elements {
		if err := json.Unmarshal(e, &values[i]); err != nil || string(e) == "null" || !validText(values[i]) {
			f.pydantic("string_type", append(f.at(name), i), e)
		}
	}
	return values
}

func (f *form) bool(name string) (value bool) {
	if !f.sent(name) || f.null(name) {
		return false
	}
	if err := json.Unmarshal(f.fields[name], &value); err != nil {
		f.wrong(name, "bool_type")
	}
	return value
}

// int reads an integer of at least least.
func (f *form) int(name string, least int64) (value int64) {
	if !f.sent(name) || f.null(name) {
		return 0
	}
	if err := json.Unmarshal(f.fields[name], &value); err != nil {
		f.wrong(name, "int_type")
	} else if value < least {
		f.wrong(name, "greater_than_equal", least)
	}
	return value
}

// ref reads the id of a row. An id of nothing, or of a row that exists does not accept, gets Polar's message.
func (f *form) ref(w *World, name string, kind Kind, exists func(n Ref) bool, message string) Ref {
	if !f.sent(name) || f.null(name) {
		return None
	}
	id, ok := parseID(f.problems, f.at(name), f.text(name, math.MaxInt))
	if !ok {
		return None
	}
	n, known := w.keys.number(kind, id)
	if !known || !exists(Ref(n)) {
		f.refuse(name, "value_error", message)
		return None
	}
	return Ref(n)
}

// organization refuses an organization_id: an organization's token says already which it is.
func (f *form) organization() {
	if f.sent("organization_id") && !f.null("organization_id") {
		f.refuse("organization_id", "organization_token", "Setting organization_id is disallowed when using an organization token.")
	}
}

// metadata reads a map of at most 50 keys, of 1 to 40 characters, to strings of 1 to 500 characters, integers of any size, floats and booleans, and
// gives it as JSON text (polarsource/polar, server/polar/kit/metadata.py).
func (f *form) metadata() string {
	sub, ok := f.under("metadata")
	if !ok {
		if f.sent("metadata") && f.null("metadata") {
			f.wrong("metadata", "dict_type")
		}
		return ""
	}
	if len(sub.fields) > 50 {
		f.wrong("metadata", "too_long", "Dictionary", 50, len(sub.fields))
	}
	var o object
	o.open()
	for _, k := range sortedNames(sub.fields) {
		raw := sub.fields[k]
		if n := utf8.RuneCountInString(k); n < 1 || n > 40 || !validText(k) {
			sub.wrong(k, "string_too_long", 40)
			continue
		}
		o.key("")
		o.b = append(appendString(o.b[:len(o.b)-3], k), ':')
		switch c := raw[0]; {
		case c == '"':
			o.b = appendString(o.b, sub.required(k, 1, 500))
		case c == 't', c == 'f':
			o.b = append(o.b, raw...)
		case bytes.ContainsAny(raw, ".eE") && (c == '-' || c >= '0' && c <= '9'):
			v, err := strconv.ParseFloat(string(raw), 64)
			if err != nil {
				sub.wrong(k, "finite_number")
			}
			o.b = appendNumber(o.b, v)
		case c == '-', c >= '0' && c <= '9':
			o.b = append(o.b, raw...)
		default:
			sub.wrong(k, "string_type")
			o.b = append(o.b, "null"...)
		}
	}
	o.close()
	return string(o.b)
}

func sortedNames(m map[string]json.RawMessage) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// address reads an address: a country of two capitals, the rest as given.
func (f *form) address(name string) *Address {
	sub, ok := f.under(name)
	if !ok {
		return nil
	}
	a := &Address{Line1: sub.text("line1", 500), Line2: sub.text("line2", 500), PostalCode: sub.text("postal_code", 100), City: sub.text("city", 200), State: sub.text("state", 100)}
	a.Country = strings.ToUpper(sub.required("country", 2, 2))
	if len(a.Country) == 2 && (a.Country[0] < 'A' || a.Country[0] > 'Z' || a.Country[1] < 'A' || a.Country[1] > 'Z') {
		sub.add("country_alpha2", sub.at("country"), "Invalid country alpha2 code", sub.fields["country"], "")
	}
	if (a.Country == "US" || a.Country == "CA") && a.State != "" && !strings.HasPrefix(a.State, a.Country+"-") {
		a.State = a.Country + "-" + a.State
	}
	return a
}

// taxFormats are the kinds of tax id by country that the simulator knows.
var taxFormats = map[string]string{"US": "us_ein", "CA": "ca_gst_hst", "GB": "gb_vat", "DE": "eu_vat", "FR": "eu_vat", "ES": "eu_vat", "IE": "eu_vat", "IT": "eu_vat",
	"NL": "eu_vat", "AT": "eu_vat", "JP": "jp_trn", "IN": "in_gst", "CH": "ch_vat", "NO": "no_vat", "AU": "au_abn"}

// taxID reads a tax id, checked against the country of an address.
func (f *form) taxID(a *Address) *[2]string {
	value := f.text("tax_id", 100)
	switch {
	case value == "":
		return nil
	case a == nil:
		f.polar = f.polar || len(f.list) == 0
		f.add("missing", f.at("billing_address"), "Country is required to validate tax ID.", nil, "")
	case taxFormats[a.Country] == "" || len(value) < 6:
		f.refuse("tax_id", "invalid", "Invalid tax ID.")
	default:
		return &[2]string{value, taxFormats[a.Country]}
	}
	return nil
}
