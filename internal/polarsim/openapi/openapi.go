// Package openapi holds what tests need to know of Polar's API: each operation with its parameters and responses, and each schema with its names,
// types, what is required, closed lists of values, formats and bounds. The facts stand in facts.txt, which extract writes from Polar's OpenAPI
// document. The document itself and its prose (titles, descriptions, examples) are Polar's and not part of this repository.
//
// facts.txt is read line by line:
//
//	version 2026-10                     the version of the API
//	GET /v1/orders/                     an operation; its parameters and responses follow, indented
//		query page?: integer            a parameter: where, name, ? if it may be left out, type
//		200: ListResource_Order_        a response by status: its JSON schema, or its content type, or - for no body
//	Order {                             a schema of an object; its properties follow, sorted, ? if a property may be absent
//		id: uuid4
//		*: string                       the type of every other property
//	}
//	OrderStatus = "draft" | "paid"      a schema of anything else
//
// A line may go on in lines with one more tab. Types:
//
//	string integer number boolean null  the types of JSON; object and any leave open what is in them
//	date-time uuid4 uri ...             any other word in lower case: a string of this format
//	Order                               a word that begins with a capital: the schema of this name
//	"draft" true                        exactly this value
//	A | B                               at least one of them
//	(A ^ B)                             exactly one of them
//	[A]  [A, B]                         an array of any length; one of exactly these
//	{A}  {uuid4: A}                     an object with any keys; one with keys of this type
//	integer<1..5>  integer<>0..>        bounds, both inclusive; with > the lower one is not
//	string<..80>  [A]<1..>              bounds of a length
//	string~"^a"                         a string that matches
package openapi

import (
	_ "embed" // facts.txt
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed facts.txt
var facts string

// Facts is the text of facts.txt.
func Facts() string { return facts }

// Document is what is known of an API.
type Document struct {
	Version    string
	Operations []Operation // sorted by path and method
	Schemas    map[string]Schema
}

// Schema is a JSON Schema of these keywords alone: type, format, pattern, minimum, exclusiveMinimum, maximum, minLength, maxLength, enum, const, $ref,
// anyOf, oneOf, items, prefixItems, minItems, maxItems, properties, required, additionalProperties, propertyNames. Numbers are json.Number; no
// keyword at all means that any value fits.
type Schema = map[string]any

// Operation is one method of one path.
type Operation struct {
	Method, Path string
	Parameters   []Parameter
	Responses    []Response
}

// Parameter is one parameter of an operation; In is path or query.
type Parameter struct {
	In, Name string
	Required bool
	Schema   Schema
}

// Response is what an operation answers with a status. Type is its content type: "" for JSON, "-" where there is no body.
type Response struct {
	Status, Type string
	Schema       Schema
}

// Component is the prefix of a reference to a schema.
const Component = "#/components/schemas/"

// Load reads facts.txt.
func Load() (*Document, error) {
	d, err := Parse(facts)
	if err != nil {
		return nil, fmt.Errorf("facts.txt: %w", err)
	}
	return d, nil
}

// JSONSchema gives every schema a place in one JSON document: the named ones that of their references, those of responses where Pointer says.
func (d *Document) JSONSchema() map[string]any {
	schemas, responses := map[string]any{}, map[string]any{}
	for name, s := range d.Schemas {
		schemas[name] = s
	}
	for _, op := range d.Operations {
		for i, r := range op.Responses {
			if r.Type == "" {
				responses[op.key(i)] = r.Schema
			}
		}
	}
	return map[string]any{"components": map[string]any{"schemas": schemas}, "responses": responses}
}

// Pointer is the JSON pointer to the schema of response i in JSONSchema.
func (o *Operation) Pointer(i int) string {
	return "/responses/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(o.key(i))
}

func (o *Operation) key(i int) string { return o.Method + " " + o.Path + " " + o.Responses[i].Status }

// Values are the closed list of values that a schema allows, as text, with those of the schemas it refers to; boolean tells whether it allows a boolean.
func (d *Document) Values(s Schema) (values []string, boolean bool) {
	add := func(s Schema) {
		more, yes := d.Values(s)
		values, boolean = append(values, more...), boolean || yes
	}
	if name, ok := s["$ref"].(string); ok {
		add(d.Schemas[name[len(Component):]])
	}
	if enum, ok := s["enum"].([]any); ok {
		for _, v := range enum {
			values = append(values, fmt.Sprint(v))
		}
	}
	if c, ok := s["const"].(string); ok {
		values = append(values, c)
	}
	if s["type"] == "boolean" {
		boolean = true
	}
	if items, ok := s["items"].(Schema); ok {
		add(items)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		branches, _ := s[keyword].([]any)
		for _, b := range branches {
			add(b.(Schema))
		}
	}
	return values, boolean
}

// number reads a JSON number and writes it without a fraction of zero: pydantic writes some whole bounds as 1.0.
func number(v any) (json.Number, error) {
	n, ok := v.(json.Number)
	if !ok {
		return "", fmt.Errorf("%v is not a number", v)
	}
	if i, err := n.Int64(); err == nil {
		return json.Number(fmt.Sprint(i)), nil
	}
	f, err := n.Float64()
	if err != nil {
		return "", err
	}
	if f == float64(int64(f)) {
		return json.Number(fmt.Sprint(int64(f))), nil
	}
	return n, nil
}
