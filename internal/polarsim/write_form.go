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
		f.add("missing", f.loc, "Field required", nil, "")
		return nil, !c.invalid(f.problems)
	}
	var whole any
	if err := json.Unmarshal(c.input, &whole); err != nil {
		f.add("json_invalid", []any{"body", 0}, "JSON decode error", map[string]any{}, `{"error":`+quote(err.Error())+`}`)
		return nil, !c.invalid(f.problems)
	}
	if err := json.Unmarshal(c.input, &f.fields); err != nil || f.fields == nil {
		f.add("model_attributes_type", f.loc, "Input should be a valid dictionary or object to extract fields from", whole, "")
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
		f.wrong(name, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
		return nil, false
	}
	return sub, true
}

func (f *form) sent(name string) bool { _, ok := f.fields[name]; return ok }
func (f *form) null(name string) bool { return string(f.fields[name]) == "null" }

// wrong adds a problem with a field.
func (f *form) wrong(name, kind, message string) {
	f.add(kind, f.at(name), message, f.fields[name], "")
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
		f.wrong(name, "string_type", "Input should be a valid string")
		return ""
	}
	if !validText(s) {
		f.wrong(name, "value_error", "Value error, null bytes are not allowed")
	}
	if n := utf8.RuneCountInString(s); n > max {
		f.add("string_too_long", f.at(name), "String should have at most "+strconv.Itoa(max)+" characters", s, `{"max_length":`+strconv.Itoa(max)+`}`)
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
		f.wrong(name, "string_type", "Input should be a valid string")
		return ""
	}
	s := f.text(name, max)
	if utf8.RuneCountInString(s) < least {
		f.add("string_too_short", f.at(name), "String should have at least "+strconv.Itoa(least)+" characters", s, `{"min_length":`+strconv.Itoa(least)+`}`)
	}
	return s
}

func (f *form) missing(name string) { f.add("missing", f.at(name), "Field required", f.fields, "") }

// email reads an address.
func (f *form) email(name string) string {
	s := strings.TrimSpace(f.text(name, math.MaxInt))
	if s == "" && (!f.sent(name) || f.null(name)) {
		return ""
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(s, " \n\"<>") {
		f.wrong(name, "value_error", "value is not a valid email address: An email address must have an @-sign.")
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

// texts reads a list of strings out of those allowed.
func (f *form) texts(name string, allowed []string) (values []string) {
	if err := json.Unmarshal(f.fields[name], &values); err != nil || values == nil {
		f.wrong(name, "list_type", "Input should be a valid list")
		return []string{}
	}
	for i, v := range values {
		checkEnum(f.problems, append(f.at(name), i), v, allowed)
	}
	return values
}

func (f *form) bool(name string) (value bool) {
	if !f.sent(name) || f.null(name) {
		return false
	}
	if err := json.Unmarshal(f.fields[name], &value); err != nil {
		f.wrong(name, "bool_type", "Input should be a valid boolean")
	}
	return value
}

// int reads an integer of at least least.
func (f *form) int(name string, least int64) (value int64) {
	if !f.sent(name) || f.null(name) {
		return 0
	}
	if err := json.Unmarshal(f.fields[name], &value); err != nil {
		f.wrong(name, "int_type", "Input should be a valid integer")
	} else if value < least {
		n := strconv.FormatInt(least, 10)
		f.add("greater_than_equal", f.at(name), "Input should be greater than or equal to "+n, value, `{"ge":`+n+`}`)
	}
	return value
}

// ref reads the id of a row. An id of nothing, or of a row that exists does not accept, gets Polar's message.
func (f *form) ref(w *World, name string, kind Kind, exists func(n Ref) bool, message string) Ref {
	if !f.sent(name) || f.null(name) {
		return None
	}
	id, ok := ParseID(f.text(name, math.MaxInt))
	if !ok {
		f.add("uuid_parsing", f.at(name), "Input should be a valid UUID, invalid character in a UUID", f.fields[name], `{"error":"invalid character in a UUID"}`)
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
			f.wrong("metadata", "dict_type", "Input should be a valid dictionary")
		}
		return ""
	}
	if len(sub.fields) > 50 {
		f.wrong("metadata", "too_long", "Dictionary should have at most 50 items after validation, not "+strconv.Itoa(len(sub.fields)))
	}
	var o object
	o.open()
	for _, k := range sortedNames(sub.fields) {
		raw := sub.fields[k]
		if n := utf8.RuneCountInString(k); n < 1 || n > 40 || !validText(k) {
			sub.wrong(k, "string_too_long", "String should have at most 40 characters")
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
				sub.wrong(k, "finite_number", "Input should be a finite number")
			}
			o.b = appendNumber(o.b, v)
		case c == '-', c >= '0' && c <= '9':
			o.b = append(o.b, raw...)
		default:
			sub.wrong(k, "string_type", "Input should be a valid string")
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
		sub.wrong("country", "country_alpha2", "Invalid country alpha2 code")
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
