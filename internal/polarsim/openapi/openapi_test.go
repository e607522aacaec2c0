package openapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// facts.txt is as extract writes it: what Format would write otherwise was changed by hand.
func TestFactsAreAsWritten(t *testing.T) {
	t.Parallel()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	text, err := Format(d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Facts(), text); diff != "" {
		t.Errorf("facts.txt (-as it is, +as Format writes it):\n%s", diff)
	}
	for _, op := range d.Operations {
		for _, r := range op.Responses {
			unknownReferences(t, d, op.Path, r.Schema)
		}
	}
	for name, s := range d.Schemas {
		unknownReferences(t, d, name, s)
	}
}

// unknownReferences reports every reference in v to a schema that is not there.
func unknownReferences(t *testing.T, d *Document, where string, v any) {
	switch v := v.(type) {
	case Schema:
		if ref, ok := v["$ref"].(string); ok && d.Schemas[strings.TrimPrefix(ref, Component)] == nil {
			t.Errorf("%s: %s is not there", where, ref)
		}
		for _, s := range v {
			unknownReferences(t, d, where, s)
		}
	case []any:
		for _, s := range v {
			unknownReferences(t, d, where, s)
		}
	}
}

// small has every keyword that facts.txt has a form for, and prose in every place where it may stand.
const small = `{"openapi": "3.1.0", "info": {"title": "prose", "description": "prose", "version": "7"},
"paths": {"/things/{id}": {"get": {"summary": "prose", "tags": ["prose"], "parameters": [
	{"name": "limit", "in": "query", "description": "prose", "schema": {"type": "integer", "exclusiveMinimum": 0, "maximum": 100.0, "default": 10, "title": "prose"}},
	{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid4", "description": "prose", "examples": ["prose"]}}],
	"responses": {"422": {"description": "prose", "content": {"application/json": {"schema": {}}}}, "202": {"description": "prose"},
		"200": {"description": "prose", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}, "text/csv": {"schema": {"type": "string"}}}}}}}},
"components": {"schemas": {
	"Thing": {"type": "object", "title": "prose", "description": "prose", "additionalProperties": true, "required": ["b", "a"], "properties": {
		"b": {"anyOf": [{"type": "string", "const": "x\"|"}, {"type": "null"}, {"anyOf": [{"type": "string", "enum": ["y", "z"]}]}], "description": "prose"},
		"a": {"type": "array", "items": {"$ref": "#/components/schemas/Kind"}, "minItems": 1},
		"c": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "minItems": 2, "maxItems": 2},
		"d": {"type": "object", "additionalProperties": {"type": "number"}, "propertyNames": {"format": "uuid4"}},
		"e": {"type": "object", "additionalProperties": {"type": "integer", "minimum": -1.5}},
		"f": {"type": "string", "maxLength": 80, "pattern": "^[\"\\\\a]<1>$", "readOnly": true, "deprecated": true},
		"g": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "object"}]},
		"h": {"anyOf": [{"oneOf": [{"type": "string"}, {"type": "boolean", "const": true}], "discriminator": {"propertyName": "prose"}}, {"type": "null"}]}}},
	"Kind": {"type": "string", "enum": ["only"], "title": "prose"}}}}`

const smallFacts = `version 7

GET /things/{id}
	path id: uuid4
	query limit?: integer<>0..100>
	200: Thing
	200: text/csv
	202: -
	422: any

Kind = "only"

Thing {
	a: [Kind]<1..>
	b: "x\"|" | "y" | "z" | null
	c?: [string, boolean]
	d?: {uuid4: number}
	e?: {integer<-1.5..>}
	f?: string~"^[\"\\\\a]<1>$"<..80>
	g?: Kind | object
	h?: (string ^ true) | null
	*: any
}
`

func TestExtract(t *testing.T) {
	t.Parallel()
	d, err := Extract([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Format(d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(header+smallFacts, text); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	read, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, read); diff != "" {
		t.Errorf("read back (-extracted +read):\n%s", diff)
	}
	if values, boolean := d.Values(d.Schemas["Thing"]["properties"].(Schema)["h"].(Schema)); len(values) != 0 || boolean {
		t.Errorf("h may be %q, boolean %t", values, boolean)
	}
	if values, _ := d.Values(d.Schemas["Thing"]["properties"].(Schema)["a"].(Schema)); cmp.Diff([]string{"only"}, values) != "" {
		t.Errorf("a may hold %q", values)
	}
}

// What extract does not know, and what facts.txt has no form for, is refused and not left out.
func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type": "integer", "multipleOf": 2}`:             "multipleOf: this keyword is not known",
		`{"type": "string", "minimum": 2}`:                 "minimum does not go with",
		`{"type": "array", "items": {"$recursiveRef": 1}}`: "items: $recursiveRef: this keyword is not known",
		`{"type": "object", "properties": {"a b": {}}}`:    `"a b" cannot be written`,
		`{"type": "array", "prefixItems": [{}, {}]}`:       "has to be as long",
		`{"type": ["string", "null"]}`:                     "is not known",
		`{"type": "array", "items": false}`:                "false is not a schema",
		`{"type": "string", "maxLength": "long"}`:          "long is not a number",
		`{"type": "object", "required": 1}`:                "1 is not a list",
		`{"type": "array"}`:                                "an array of what",
	} {
		d, err := Extract([]byte(`{"components": {"schemas": {"Thing": ` + schema + `}}}`))
		if err == nil {
			_, err = Format(d)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", schema, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nonsense", "Thing = ", "Thing = [string", "Thing = (string | null)", "Thing = string nonsense", "Thing {\n\ta string\n}",
		"GET /\n\t200", "Thing = string~x", "Thing {\n\ta: !\n}", "GET /\n\tquery a: !"} {
		if d, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, d)
		}
	}
}
