package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// header begins facts.txt.
const header = `# Facts of Polar's API, taken from its OpenAPI document: do not edit.
# To write it anew: go run ./internal/polarsim/openapi/extract path/to/openapi.json internal/polarsim/openapi/facts.txt
# How to read it: openapi.go.
`

// width is how long a line may be before its type goes on in the next.
const width = 140

// Format writes a document as the text that Parse reads. A schema that the text has no words for is an error.
func Format(d *Document) (string, error) {
	f := &formatter{}
	f.WriteString(header)
	fmt.Fprintf(f, "version %s\n", d.Version)
	for _, op := range d.Operations {
		fmt.Fprintf(f, "\n%s %s\n", op.Method, op.Path)
		for _, p := range op.Parameters {
			f.line("\t"+p.In+" "+f.name(p.Name, p.Required)+": ", f.typ(p.Schema))
		}
		for _, r := range op.Responses {
			if r.Type == "" {
				f.line("\t"+r.Status+": ", f.typ(r.Schema))
			} else {
				fmt.Fprintf(f, "\t%s: %s\n", r.Status, r.Type)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Schemas)) {
		s := d.Schemas[name]
		properties, ok := s["properties"].(Schema)
		if !ok {
			f.WriteString("\n")
			f.line(name+" = ", f.typ(s))
			continue
		}
		f.only(s, "type", "properties", "required", "additionalProperties")
		fmt.Fprintf(f, "\n%s {\n", name)
		required, _ := s["required"].([]any)
		for _, p := range slices.Sorted(maps.Keys(properties)) {
			f.line("\t"+f.name(p, slices.Contains(required, any(p)))+": ", f.typ(properties[p].(Schema)))
		}
		if more, ok := s["additionalProperties"].(Schema); ok {
			f.line("\t*: ", f.typ(more))
		}
		f.WriteString("}\n")
	}
	return f.String(), errors.Join(f.errs...)
}

type formatter struct {
	strings.Builder
	errs []error
}

func (f *formatter) errorf(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

// line writes a type after what it is the type of; a long union is broken.
func (f *formatter) line(before, typ string) {
	line := before
	for word := range strings.SplitAfterSeq(typ, " ") {
		if len(line)+len(word) > width && strings.HasSuffix(line, " ") {
			f.WriteString(strings.TrimRight(line, " ") + "\n")
			line = "\t\t"
		}
		line += word
	}
	f.WriteString(line + "\n")
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (f *formatter) name(name string, required bool) string {
	if !plainName.MatchString(name) {
		f.errorf("the name %q cannot be written", name)
	}
	if required {
		return name
	}
	return name + "?"
}

// only notes every keyword of s besides the given ones.
func (f *formatter) only(s Schema, keywords ...string) {
	for k := range s {
		if !slices.Contains(keywords, k) {
			f.errorf("%s does not go with %v", k, keywords)
		}
	}
}

func (f *formatter) typ(s Schema) string {
	switch {
	case len(s) == 0:
		return "any"
	case s["$ref"] != nil:
		f.only(s, "$ref")
		return strings.TrimPrefix(s["$ref"].(string), Component)
	case s["const"] != nil:
		f.only(s, "const")
		return f.literal(s["const"])
	case s["enum"] != nil:
		f.only(s, "enum")
		var values []string
		for _, v := range s["enum"].([]any) {
			values = append(values, f.literal(v))
		}
		return strings.Join(values, " | ")
	case s["anyOf"] != nil:
		f.only(s, "anyOf")
		return strings.Join(f.types(s["anyOf"]), " | ")
	case s["oneOf"] != nil:
		f.only(s, "oneOf")
		return "(" + strings.Join(f.types(s["oneOf"]), " ^ ") + ")"
	}
	return f.plain(s)
}

func (f *formatter) types(branches any) (types []string) {
	for _, b := range branches.([]any) {
		types = append(types, f.typ(b.(Schema)))
	}
	return types
}

// plain writes a schema with a type.
func (f *formatter) plain(s Schema) string {
	switch s["type"] {
	case "array":
		f.only(s, "type", "items", "prefixItems", "minItems", "maxItems")
		if tuple, ok := s["prefixItems"].([]any); ok {
			n := json.Number(fmt.Sprint(len(tuple)))
			if len(tuple) < 2 || s["minItems"] != n || s["maxItems"] != n {
				f.errorf("an array of %d given items has to be as long", len(tuple))
			}
			return "[" + strings.Join(f.types(tuple), ", ") + "]"
		}
		items, ok := s["items"].(Schema)
		if !ok {
			f.errorf("an array of what")
		}
		return "[" + f.typ(items) + "]" + bounds(s, "minItems", "maxItems")
	case "object":
		f.only(s, "type", "additionalProperties", "propertyNames")
		values, ok := s["additionalProperties"].(Schema)
		if !ok {
			return "object"
		}
		if names, ok := s["propertyNames"].(Schema); ok {
			return "{" + f.typ(names) + ": " + f.typ(values) + "}"
		}
		return "{" + f.typ(values) + "}"
	case "string":
		f.only(s, "type", "format", "minLength", "maxLength", "pattern")
		word := "string"
		if format, ok := s["format"].(string); ok {
			word = format
		}
		if pattern, ok := s["pattern"].(string); ok {
			word += "~" + f.literal(pattern)
		}
		return word + bounds(s, "minLength", "maxLength")
	case "integer", "number":
		f.only(s, "type", "minimum", "exclusiveMinimum", "maximum")
		return s["type"].(string) + bounds(s, "minimum", "maximum")
	case "boolean", "null":
		f.only(s, "type")
		return s["type"].(string)
	}
	f.errorf("the type %v is not known", s["type"])
	return "?"
}

func bounds(s Schema, least, most string) string {
	low, high := s[least], s[most]
	if low == nil && s["exclusiveMinimum"] != nil {
		low = ">" + s["exclusiveMinimum"].(json.Number).String()
	}
	if low == nil && high == nil {
		return ""
	}
	text := func(v any) string {
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	}
	return "<" + text(low) + ".." + text(high) + ">"
}

func (f *formatter) literal(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		f.errs = append(f.errs, err)
	}
	return strings.TrimSpace(b.String())
}
