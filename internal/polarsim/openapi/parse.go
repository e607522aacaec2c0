package openapi

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Parse reads the text that Format writes.
func Parse(text string) (*Document, error) {
	d := &Document{Schemas: map[string]Schema{}}
	text = strings.ReplaceAll(text, "\n\t\t", " ")
	var op *Operation
	var object Schema
	for i, line := range strings.Split(text, "\n") {
		inner, indented := strings.CutPrefix(line, "\t")
		var err error
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "}":
			object = nil
		case indented && object != nil:
			err = parseProperty(inner, object)
		case indented && op != nil:
			err = parsePart(inner, op)
		case strings.HasPrefix(line, "version "):
			d.Version = strings.TrimPrefix(line, "version ")
		case strings.HasSuffix(line, " {"):
			object = Schema{"type": "object", "properties": Schema{}}
			d.Schemas[strings.TrimSuffix(line, " {")] = object
		case strings.Contains(line, " = "):
			name, typ, _ := strings.Cut(line, " = ")
			d.Schemas[name], err = parseType(typ)
		default:
			method, path, ok := strings.Cut(line, " ")
			if !ok || !strings.HasPrefix(path, "/") {
				err = fmt.Errorf("%q is neither an operation nor a schema", line)
			}
			d.Operations = append(d.Operations, Operation{Method: method, Path: path})
			op = &d.Operations[len(d.Operations)-1]
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	return d, nil
}

// parseProperty reads a property of an object.
func parseProperty(line string, object Schema) error {
	name, typ, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("%q is not a property", line)
	}
	s, err := parseType(typ)
	if err != nil {
		return err
	}
	name, optional := strings.CutSuffix(name, "?")
	switch {
	case name == "*":
		object["additionalProperties"] = s
		return nil
	case !optional:
		required, _ := object["required"].([]any)
		object["required"] = append(required, name)
	}
	object["properties"].(Schema)[name] = s
	return nil
}

// parsePart reads a parameter or a response.
func parsePart(line string, op *Operation) error {
	what, typ, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("%q is neither a parameter nor a response", line)
	}
	if in, name, ok := strings.Cut(what, " "); ok {
		name, optional := strings.CutSuffix(name, "?")
		s, err := parseType(typ)
		op.Parameters = append(op.Parameters, Parameter{In: in, Name: name, Required: !optional, Schema: s})
		return err
	}
	if typ == "-" || strings.Contains(typ, "/") {
		op.Responses = append(op.Responses, Response{Status: what, Type: typ})
		return nil
	}
	s, err := parseType(typ)
	op.Responses = append(op.Responses, Response{Status: what, Schema: s})
	return err
}

func parseType(text string) (Schema, error) {
	p := &parser{rest: text}
	s := p.union()
	if p.err == nil && p.rest != "" {
		p.fail("nothing more")
	}
	if p.err != nil {
		return nil, fmt.Errorf("%q: %w", text, p.err)
	}
	return s, nil
}

// parser reads a type from left to right. After an error it reads on without meaning.
type parser struct {
	rest string
	err  error
}

func (p *parser) fail(want string) {
	if p.err == nil {
		p.err = fmt.Errorf("want %s at %q", want, p.rest)
	}
	p.rest = ""
}

// next takes token off the rest.
func (p *parser) next(token string) (found bool) {
	p.rest, found = strings.CutPrefix(p.rest, token)
	return found
}

func (p *parser) want(token string) {
	if !p.next(token) {
		p.fail("`" + token + "`")
	}
}

func (p *parser) union() Schema {
	branches := []any{p.one()}
	for p.next(" | ") {
		branches = append(branches, p.one())
	}
	return union(branches)
}

var (
	word    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*`)
	literal = regexp.MustCompile(`^(true|false|-?[0-9]+|"(?:[^"\\]|\\.)*")`)
	bound   = regexp.MustCompile(`^<(>?)(-?[0-9.]*?)\.\.(-?[0-9.]*)>`)
)

// one reads a type that is not a union.
func (p *parser) one() Schema {
	switch {
	case p.next("("):
		branches := []any{p.one()}
		for p.next(" ^ ") {
			branches = append(branches, p.one())
		}
		p.want(")")
		return Schema{"oneOf": branches}
	case p.next("["):
		return p.array()
	case p.next("{"):
		s := p.union()
		object := Schema{"type": "object", "additionalProperties": s}
		if p.next(": ") {
			object["propertyNames"], object["additionalProperties"] = s, p.union()
		}
		p.want("}")
		return object
	}
	if l := literal.FindString(p.rest); l != "" {
		p.next(l)
		return Schema{"const": p.value(l)}
	}
	w := word.FindString(p.rest)
	p.next(w)
	switch {
	case w == "":
		p.fail("a type")
		return nil
	case w == "any":
		return Schema{}
	case w == "object" || w == "boolean" || w == "null":
		return Schema{"type": w}
	case w == "integer" || w == "number":
		s := Schema{"type": w}
		p.bounds(s, "minimum", "maximum")
		return s
	case w[0] >= 'A' && w[0] <= 'Z':
		return Schema{"$ref": Component + w}
	}
	return p.text(w)
}

// array reads an array after its bracket.
func (p *parser) array() Schema {
	items := []any{p.union()}
	for p.next(", ") {
		items = append(items, p.union())
	}
	p.want("]")
	if n := json.Number(fmt.Sprint(len(items))); len(items) > 1 {
		return Schema{"type": "array", "prefixItems": items, "minItems": n, "maxItems": n}
	}
	s := Schema{"type": "array", "items": items[0]}
	p.bounds(s, "minItems", "maxItems")
	return s
}

// text reads what follows the word of a string.
func (p *parser) text(word string) Schema {
	s := Schema{"type": "string"}
	if word != "string" {
		s["format"] = word
	}
	if p.next("~") {
		l := literal.FindString(p.rest)
		p.next(l)
		s["pattern"] = p.value(l)
	}
	p.bounds(s, "minLength", "maxLength")
	return s
}

func (p *parser) value(literal string) (v any) {
	d := json.NewDecoder(strings.NewReader(literal))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		p.fail("a value")
	}
	return v
}

func (p *parser) bounds(s Schema, least, most string) {
	m := bound.FindStringSubmatch(p.rest)
	if m == nil {
		return
	}
	p.next(m[0])
	if m[1] != "" {
		least = "exclusiveMinimum"
	}
	for i, keyword := range []string{least, most} {
		if m[2+i] != "" {
			s[keyword] = json.Number(m[2+i])
		}
	}
}
