package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// prose are the keywords that say nothing of which values are valid.
var prose = []string{"title", "description", "examples", "example", "default", "deprecated", "readOnly", "discriminator"}

// Extract takes the facts from an OpenAPI document. A keyword that it does not know is an error, so that no fact is lost unnoticed.
func Extract(document []byte) (*Document, error) {
	var in struct {
		Info  struct{ Version string }
		Paths map[string]map[string]struct {
			Parameters []struct {
				In, Name string
				Required bool
				Schema   Schema
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema Schema }
			}
		}
		Components struct{ Schemas map[string]Schema }
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	d := &Document{Version: in.Info.Version, Schemas: map[string]Schema{}}
	var errs []error
	keep := func(where string, s Schema) Schema {
		kept, err := simplify(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
		return kept
	}
	for name, s := range in.Components.Schemas {
		d.Schemas[name] = keep(name, s)
	}
	for path, methods := range in.Paths {
		for method, o := range methods {
			op := Operation{Method: string(bytes.ToUpper([]byte(method))), Path: path}
			for _, p := range o.Parameters {
				op.Parameters = append(op.Parameters, Parameter{In: p.In, Name: p.Name, Required: p.Required, Schema: keep(path+" "+p.Name, p.Schema)})
			}
			for status, r := range o.Responses {
				if len(r.Content) == 0 {
					op.Responses = append(op.Responses, Response{Status: status, Type: "-"})
				}
				for kind, c := range r.Content {
					response := Response{Status: status, Type: kind}
					if kind == "application/json" {
						response.Type, response.Schema = "", keep(path+" "+status, c.Schema)
					}
					op.Responses = append(op.Responses, response)
				}
			}
			d.Operations = append(d.Operations, op)
		}
	}
	d.sort()
	return d, errors.Join(errs...)
}

func (d *Document) sort() {
	slices.SortFunc(d.Operations, func(a, b Operation) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	for _, op := range d.Operations {
		slices.SortFunc(op.Parameters, func(a, b Parameter) int { return cmp.Or(cmp.Compare(a.In, b.In), cmp.Compare(a.Name, b.Name)) })
		slices.SortFunc(op.Responses, func(a, b Response) int { return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Type, b.Type)) })
	}
}

// simplify leaves the prose out of a schema and gives it the form that facts.txt has words for.
func simplify(s Schema) (Schema, error) {
	s = maps.Clone(s)
	// Polar tells the branches of a union without a discriminator apart by code (a legacy price by its extra key, a repeating discount by its
	// months), and whatever fits the narrower branch fits the wider one too: as "exactly one" such a union could never hold.
	if s["oneOf"] != nil && s["discriminator"] == nil {
		s["anyOf"] = s["oneOf"]
		delete(s, "oneOf")
	}
	for _, k := range prose {
		delete(s, k)
	}
	if s["const"] != nil || s["enum"] != nil { // the values say it all
		delete(s, "type")
		delete(s, "minLength")
	}
	for keyword, v := range s {
		kept, err := simplifyKeyword(keyword, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", keyword, err)
		}
		s[keyword] = kept
	}
	if branches, ok := s["anyOf"].([]any); ok {
		return union(branches), nil
	}
	return union([]any{s}), nil
}

func simplifyKeyword(keyword string, v any) (any, error) {
	switch keyword {
	case "type", "format", "pattern", "$ref", "const", "enum":
		return v, nil
	case "minimum", "exclusiveMinimum", "maximum", "minLength", "maxLength", "minItems", "maxItems":
		return number(v)
	case "items", "additionalProperties":
		return simplifyAny(v)
	case "propertyNames": // names are strings
		s, err := simplifyAny(v)
		if err == nil {
			s["type"] = "string"
		}
		return s, err
	case "properties":
		kept := Schema{}
		properties, _ := v.(Schema)
		for name, p := range properties {
			s, err := simplifyAny(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			kept[name] = s
		}
		return kept, nil
	case "required", "anyOf", "oneOf", "prefixItems":
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%v is not a list", v)
		}
		list = slices.Clone(list)
		if keyword == "required" {
			slices.SortFunc(list, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			return list, nil
		}
		for i, b := range list {
			s, err := simplifyAny(b)
			if err != nil {
				return nil, err
			}
			list[i] = s
		}
		return list, nil
	}
	return nil, errors.New("this keyword is not known")
}

func simplifyAny(v any) (Schema, error) {
	if v == true {
		return Schema{}, nil
	}
	s, ok := v.(Schema)
	if !ok {
		return nil, fmt.Errorf("%v is not a schema", v)
	}
	return simplify(s)
}

// union is the schema of what fits at least one of the branches: unions in it are taken apart, values stand together in one list.
func union(branches []any) Schema {
	var values, flat []any
	for _, b := range branches {
		s := b.(Schema)
		if inner, ok := s["anyOf"].([]any); ok {
			s = union(inner)
		}
		inner, ok := s["anyOf"].([]any)
		if !ok {
			inner = []any{s}
		}
		for _, b := range inner {
			s := b.(Schema)
			if enum, ok := s["enum"].([]any); ok {
				values = append(values, enum...)
			} else if c, ok := s["const"]; ok {
				values = append(values, c)
			} else {
				flat = append(flat, s)
			}
		}
	}
	switch {
	case len(values) == 1:
		flat = append([]any{Schema{"const": values[0]}}, flat...)
	case len(values) > 1:
		flat = append([]any{Schema{"enum": values}}, flat...)
	}
	if len(flat) == 1 {
		return flat[0].(Schema)
	}
	return Schema{"anyOf": flat}
}
