package polarsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// record is one record of a CSV export, as Python's csv module writes it in its dialect excel: fields are quoted only where they hold a comma, a
// quote or an end of line, None is an empty field, and records end with CR LF (polarsource/polar, server/polar/kit/csv.py).
type record struct {
	b      []byte
	zone   *time.Location
	start  int // of the record in b
	fields int
}

func (r *record) begin() { r.start, r.fields = len(r.b), 0 }

// end closes the record. A single empty field is quoted: otherwise the record would be an empty line.
func (r *record) end() {
	if r.fields == 1 && len(r.b) == r.start {
		r.b = append(r.b, '"', '"')
	}
	r.b = append(r.b, '\r', '\n')
}

func (r *record) separate() {
	if r.fields > 0 {
		r.b = append(r.b, ',')
	}
	r.fields++
}

func (r *record) text(s string) {
	r.separate()
	if !strings.ContainsAny(s, ",\"\r\n") {
		r.b = append(r.b, s...)
		return
	}
	r.b = append(r.b, '"')
	r.b = append(r.b, strings.ReplaceAll(s, `"`, `""`)...)
	r.b = append(r.b, '"')
}

// money writes minor units of whatever currency divided by 100, as Python writes the float: 10.0, 19.99, 1e+16.
func (r *record) money(minor int64) {
	r.separate()
	r.b = appendPython(r.b, float64(minor)/100)
}

// time writes an ISO time with the offset of the export's zone, with a fraction only where there is one.
func (r *record) time(t Time) {
	r.separate()
	if t == 0 {
		return
	}
	layout := "2006-01-02T15:04:05-07:00"
	if t%second != 0 {
		layout = "2006-01-02T15:04:05.000000-07:00"
	}
	zone := r.zone
	if zone == nil {
		zone = time.UTC
	}
	r.b = t.GoTime().In(zone).AppendFormat(r.b, layout)
}

// appendPython writes v as repr does in Python: the shortest digits that give v back, with an exponent of two digits or more from 1e16 and below 1e-4.
func appendPython(b []byte, v float64) []byte {
	if a := math.Abs(v); a != 0 && (a >= 1e16 || a < 1e-4) {
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	n := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if !bytes.ContainsRune(b[n:], '.') {
		b = append(b, ".0"...)
	}
	return b
}

// taxTuple writes a tax id as Python shows the pair that the column holds: ('DE123456789', <TaxIDFormat.eu_vat: 'eu_vat'>).
func taxTuple(id *[2]string) string {
	if id == nil {
		return ""
	}
	quoted := "'" + id[0] + "'"
	if strings.Contains(id[0], "'") {
		quoted = `"` + id[0] + `"`
	}
	return "(" + quoted + ", <TaxIDFormat." + id[1] + ": '" + id[1] + "'>)"
}

// pythonJSON writes a JSON object as Python's json.dumps does: a blank after commas and colons, everything beyond ASCII escaped, floats as repr
// shows them. An empty object is an empty field.
func pythonJSON(object string) string {
	if object == "" || object == "{}" {
		return ""
	}
	d := json.NewDecoder(strings.NewReader(object))
	d.UseNumber()
	var b []byte
	type level struct {
		object bool
		n      int
	}
	var stack []level
	before := func() {
		if len(stack) == 0 {
			return
		}
		top := &stack[len(stack)-1]
		switch {
		case top.object && top.n%2 == 1:
			b = append(b, ": "...)
		case top.n > 0:
			b = append(b, ", "...)
		}
		top.n++
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return string(b)
		}
		if err != nil {
			return object
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '}' || v == ']' {
				stack = stack[:len(stack)-1]
			} else {
				before()
				stack = append(stack, level{object: v == '{'})
			}
			b = append(b, byte(v))
		case string:
			before()
			b = appendASCII(b, v)
		case json.Number:
			before()
			b = appendPythonNumber(b, v)
		case bool:
			before()
			b = strconv.AppendBool(b, v)
		default:
			before()
			b = append(b, "null"...)
		}
	}
}

func appendPythonNumber(b []byte, n json.Number) []byte {
	if !strings.ContainsAny(string(n), ".eE") {
		return append(b, n...)
	}
	v, err := n.Float64()
	if err != nil {
		return append(b, "Infinity"...)
	}
	return appendPython(b, v)
}

// appendASCII writes a JSON string of ASCII characters only: others as \u escapes, in pairs beyond the basic plane.
func appendASCII(b []byte, s string) []byte {
	escape := func(u rune) {
		b = append(b, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"', c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c > 0xffff:
			c -= 0x10000
			escape(0xd800 + c>>10)
			escape(0xdc00 + c&0x3ff)
		case c < ' ' || c > '~' && c != 0x7f || c == utf8.RuneError:
			escape(c)
		default:
			b = append(b, byte(c))
		}
	}
	return append(b, '"')
}
