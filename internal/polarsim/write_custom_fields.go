package polarsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var slugs = regexp.MustCompile(`^[a-z0-9_-]+$`)

// readCustomField reads what a body says of a custom field. Upstream the type has to be sent again with a change; here it may be.
func readCustomField(w *World, f *form, field *CustomField, n Ref) {
	fresh := n == None
	field.Type = f.keptEnum("type", field.Type, "The type of a custom field can't be changed.", fieldTypes...)
	if fresh || f.given("slug") {
		slug := strings.ToLower(f.required("slug", 1, 1<<20))
		if slug != "" && !slugs.MatchString(slug) {
			f.wrong("slug", "string_pattern_mismatch", "^[a-z0-9-_]+$")
		}
		if slug != field.Slug && slices.ContainsFunc(w.customFields, func(o CustomField) bool { return o.DeletedAt == 0 && o.Slug == slug }) {
			f.refuse("slug", "value_error", "Custom field with this slug already exists.")
		}
		field.Slug = slug
	}
	if fresh || f.given("name") {
		field.Name = f.required("name", 1, 1<<20)
	}
	if f.sent("metadata") {
		field.Metadata = f.metadata()
	}
	if fresh || f.given("properties") {
		field.Properties = f.properties(fieldProperties(field.Type))
	}
}

// renamedKey is a JSON object in text form with one of its keys called otherwise.
func renamedKey(text, old, name string) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil || fields[old] == nil {
		return text
	}
	fields[name] = fields[old]
	delete(fields, old)
	var o object
	o.open()
	for _, k := range sortedNames(fields) {
		o.raw(k, string(fields[k]))
	}
	o.close()
	return string(o.b)
}

// renameAnswers rewrites the key of a custom field in what customers answered, of which no webhook tells. The rows count as modified: upstream's
// bulk update goes through the same columns as any other (polarsource/polar, server/polar/custom_field/service.py update).
func (w *World) renameAnswers(old, slug string) {
	if old == slug {
		return
	}
	at, done := w.stamp(), map[string]string{}
	rename := func(text *string, modified *Time) {
		if !strings.Contains(*text, quote(old)) {
			return
		}
		renamed, known := done[*text]
		if !known {
			renamed = renamedKey(*text, old, slug)
			done[*text] = renamed
		}
		if renamed != *text {
			*text, *modified = renamed, at
		}
	}
	for i := range w.subscriptions {
		rename(&w.subscriptions[i].CustomFields, &w.subscriptions[i].ModifiedAt)
	}
	for i := range w.orders {
		rename(&w.orders[i].CustomFields, &w.orders[i].ModifiedAt)
	}
}
