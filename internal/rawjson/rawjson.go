// Package rawjson takes JSON apart without decoding it: its results are slices of its input. It follows brackets and quotes in
// loops, so no depth of nesting is too much for it.
//
// Members and Elements take a valid value apart, Member and Text find one part of it. WithoutMembers and CutDepth make a smaller
// text. WholeNumber normalizes a number. Nothing is lost: what they return has the bytes of the input, but for the parts that the
// caller named.
package rawjson

import (
	"bytes"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Members yields the names, still quoted, and the values of a valid JSON object. They are slices of it: nothing is decoded or
// copied. That takes a fifth of a decoder's time. For an invalid object it yields something, and ends.
func Members(object jsontext.Value) iter.Seq2[jsontext.Value, jsontext.Value] {
	return func(yield func(name, value jsontext.Value) bool) {
		rest := next(object, 1)
		for len(rest) > 0 && rest[0] == '"' {
			var name, value jsontext.Value
			name, rest = first(rest)
			value, rest = first(next(rest, 1)) // after the colon
			if len(value) == 0 || !yield(name, value) {
				return
			}
			rest = next(rest, 1) // after the comma, or the end
		}
	}
}

// Elements yields the elements of a valid JSON array.
func Elements(array jsontext.Value) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		rest := next(array, 1)
		for len(rest) > 0 && rest[0] != ']' {
			var value jsontext.Value
			value, rest = first(rest)
			if len(value) == 0 || !yield(value) {
				return
			}
			rest = next(rest, 1)
		}
	}
}

// next skips n bytes and the blanks around them.
func next(b jsontext.Value, n int) jsontext.Value {
	b = blank(b)
	return blank(b[min(n, len(b)):])
}

func blank(b jsontext.Value) jsontext.Value {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	return b
}

// first is the value at the beginning of b, and the rest.
func first(b jsontext.Value) (value, rest jsontext.Value) {
	end := len(b)
	switch {
	case end == 0:
	case b[0] == '"':
		end = stringEnd(b, 0)
	case b[0]|0x20 == '{': // also [
		depth := 0
		for i := 0; i < len(b); i++ {
			switch c := b[i]; {
			case c == '"':
				i = stringEnd(b, i) - 1
			case c|0x20 == '{':
				depth++
			case c|0x20 == '}':
				if depth--; depth == 0 {
					return b[: i+1 : i+1], b[i+1:]
				}
			}
		}
	default:
		for i, c := range b {
			if c == ',' || c <= ' ' || c|0x20 == '}' {
				end = i
				break
			}
		}
	}
	return b[:end:end], b[end:]
}

// stringEnd is the end of the string that begins at b[i].
func stringEnd(b jsontext.Value, i int) int {
	for i++; i < len(b); i++ {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		escapes := 0
		for b[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// Unquote returns the name of a member without quotes and escapes.
func Unquote(quoted []byte) ([]byte, error) {
	if len(quoted) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	return jsontext.AppendUnquote(nil, quoted)
}

// Member is the value of the first member of that name; nil if there is none, or if it is no object.
func Member(object jsontext.Value, name string) jsontext.Value {
	if object.Kind() != '{' {
		return nil
	}
	for quoted, value := range Members(object) {
		if got, err := Unquote(quoted); err == nil && string(got) == name {
			return value
		}
	}
	return nil
}

// Text is the decoded string; "" if the value is no string.
func Text(value jsontext.Value) string {
	if n := len(value); n < 2 || value[0] != '"' || value[n-1] != '"' {
		return ""
	}
	text, _ := jsontext.AppendUnquote(nil, value) // it replaces broken UTF-8, as a lenient decoder does
	return string(text)
}

// Fate is what becomes of a member.
type Fate uint8

// The fates.
const (
	Enter Fate = iota // keep it, and apply fates to the members inside
	Keep              // keep it unchanged
	Drop              // remove it
)

// WithoutMembers returns a valid JSON value without the members to drop, at any depth, and without blanks between tokens.
func WithoutMembers(raw jsontext.Value, fate func(name []byte) Fate) jsontext.Value {
	out := make(jsontext.Value, 0, len(raw))
	var inside []byte // the open brackets
	for rest := blank(raw); len(rest) > 0; rest = blank(rest) {
		c := rest[0]
		if c|0x20 == '}' && len(inside) > 0 {
			inside, out, rest = inside[:len(inside)-1], append(out, c), rest[1:]
			continue
		}
		if c == ',' || c == ':' {
			rest = rest[1:]
			continue
		}
		last := byte('{')
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		comma := last != '{' && last != '[' && last != ':'
		if isName := len(inside) > 0 && inside[len(inside)-1] == '{' && last != ':'; isName && c == '"' {
			quoted, after := first(rest)
			value := next(after, 1)
			become := Enter
			if name, err := Unquote(quoted); err == nil {
				become = fate(name)
			}
			if become == Drop {
				_, rest = first(value)
				continue
			}
			if comma {
				out = append(out, ',')
			}
			out, rest = append(append(out, quoted...), ':'), value
			if become == Keep {
				value, rest = first(value)
				out = append(out, value...)
			}
			continue
		}
		if comma {
			out = append(out, ',')
		}
		if c|0x20 == '{' {
			inside, out, rest = append(inside, c), append(out, c), rest[1:]
			continue
		}
		var value jsontext.Value
		if value, rest = first(rest); len(value) == 0 {
			return out // the value is not valid
		}
		out = append(out, value...)
	}
	return out
}

// MaxDepth is how deep the decoders of this program follow: a limit that jsontext does not export.
const MaxDepth = 10_000

// CutDepth replaces what is nested deeper than levels by a number and blanks, so that a decoder accepts the text, with unchanged
// offsets. If nothing is that deep, it returns the text itself.
func CutDepth(body []byte, levels int) []byte {
	depth, from := 0, 0
	out := body
	cut := func(to int) {
		if &out[0] == &body[0] {
			out = bytes.Clone(body)
		}
		out[from] = '0'
		for i := from + 1; i < to; i++ {
			out[i] = ' '
		}
	}
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			i = stringEnd(body, i) - 1
		case c|0x20 == '{':
			if depth++; depth == levels+1 {
				from = i
			}
		case c|0x20 == '}':
			if depth--; depth == levels {
				cut(i + 1)
			}
		}
	}
	if depth > levels { // the text ends inside
		cut(len(body))
	}
	return out
}
