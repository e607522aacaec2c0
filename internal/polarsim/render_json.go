package polarsim

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// object appends the members of a JSON object. Everything Polar sends is rendered by hand through it: pages are made on demand, and reflection
// would cost more than everything else together.
type object struct {
	b       []byte
	first   bool
	version string // of the API; what is older than all of them is the oldest
}

func (o *object) open()  { o.b = append(o.b, '{'); o.first = true }
func (o *object) close() { o.b = append(o.b, '}'); o.first = false }

func (o *object) key(k string) {
	if o.first {
		o.first = false
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

// str appends a string that is never null; text one that is null when empty.
func (o *object) str(k, v string) { o.key(k); o.b = appendString(o.b, v) }

func (o *object) text(k, v string) {
	o.key(k)
	if v == "" {
		o.b = append(o.b, "null"...)
		return
	}
	o.b = appendString(o.b, v)
}

func (o *object) int(k string, v int64) { o.key(k); o.b = strconv.AppendInt(o.b, v, 10) }

// count appends an integer that is null when zero.
func (o *object) count(k string, v int64) {
	if v == 0 {
		o.null(k)
		return
	}
	o.int(k, v)
}

func (o *object) bool(k string, v bool) { o.key(k); o.b = strconv.AppendBool(o.b, v) }
func (o *object) null(k string)         { o.key(k); o.b = append(o.b, "null"...) }
func (o *object) time(k string, v Time) { o.key(k); o.b = v.append(o.b) }

// raw appends JSON text; an empty text is an empty object.
func (o *object) raw(k, v string) {
	o.key(k)
	if v == "" {
		v = "{}"
	}
	o.b = append(o.b, v...)
}

func (o *object) id(k string, v ID) {
	o.key(k)
	o.b = append(o.b, '"')
	o.b = v.append(o.b)
	o.b = append(o.b, '"')
}

// num appends a float as Polar's serializer does: always with a fraction or an exponent.
func (o *object) num(k string, v float64) { o.key(k); o.b = appendNumber(o.b, v) }

// appendNumber writes the shortest digits that give v back: 25.0 for 25, 1e16 and 1e-7 beyond sixteen digits and below five zeros.
func appendNumber(b []byte, v float64) []byte {
	if a := math.Abs(v); a != 0 && (a >= 1e16 || a < 1e-5) {
		b = strconv.AppendFloat(b, v, 'e', -1, 64)
		sign := len(b) - 3
		for b[sign] != '-' && b[sign] != '+' {
			sign--
		}
		exponent := b[sign+1:]
		if exponent[0] == '0' {
			exponent = exponent[1:]
		}
		if b[sign] == '-' {
			sign++
		}
		return append(b[:sign], exponent...)
	}
	n := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	for _, c := range b[n:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// list appends a member that is an array, each element written by one.
func list[T any](o *object, k string, elements []T, one func(o *object, e T)) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, e := range elements {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		one(o, e)
	}
	o.b = append(o.b, ']')
	o.first = false
}

// appendString writes a JSON string; like Python's encoder with ensure_ascii off, it escapes only quotes, backslashes and control characters.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// validText: a string from a request may be stored. Polar refuses NUL characters, and JSON has no broken UTF-8.
func validText(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(s)
}

// withKey adds a string to a JSON object in text form.
func withKey(object, key, value string) string {
	member := quote(key) + ":" + quote(value)
	if object == "" || object == "{}" {
		return "{" + member + "}"
	}
	return object[:len(object)-1] + "," + member + "}"
}

func quote(s string) string { return string(appendString(nil, s)) }

// lookup returns the JSON text of a key of an object in text form.
func lookup(object, key string) (json.RawMessage, bool) {
	if object == "" {
		return nil, false
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		return nil, false
	}
	v, ok := fields[key]
	return v, ok
}
