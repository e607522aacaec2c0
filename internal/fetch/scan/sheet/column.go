package sheet

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Column is a column of an export: the field of the items that it becomes, and its kind. An empty field of the file is null:
// nothing tells it from an empty text.
type Column struct {
	Name    string   // of the field
	Headers []string // its headers, today's first; case is ignored
	Kind    Kind
}

// Kind is what a column holds. A value that is not of its kind is passed on as text; the reader of the item rejects it.
type Kind int

// The kinds of columns.
const (
	Text Kind = iota
	ID        // id of the row, a UUID
	Time      // as RFC 3339 text; without an offset, it is UTC
	Bool
	Number
	// Money is in hundredths of the number in the text, in every currency: the export divides all amounts by 100, whatever the
	// smallest unit of the currency is (polarsource/polar, server/polar/order/export.py). Python writes them as floats: 19.99,
	// 10.0, 1e+16. The field is a whole number; Name_major is the number as it came, as a text.
	Money
	JSON // a JSON object
	// Pair is a pair as Python prints it, ('FR61954506077', <TaxIDFormat.eu_vat: 'eu_vat'>). The field is an array of the two
	// strings, null where they cannot be read; Name_text is the text as it came.
	Pair
)

// names are the fields that the column becomes.
func (c Column) names() []string {
	if c.Kind.suffix() != "" {
		return []string{c.Name, c.Name + c.Kind.suffix()}
	}
	return []string{c.Name}
}

// column finds the column of a header.
func column(columns []Column, header string) (Column, bool) {
	for _, c := range columns {
		for _, h := range c.Headers {
			if strings.EqualFold(h, strings.TrimSpace(header)) {
				return c, true
			}
		}
	}
	return Column{}, false
}

// append writes "name":value for a field of a record.
func (f field) append(b []byte, raw []byte) []byte {
	put := func(name string, value []byte) {
		b = append(append(AppendText(b, name), ':'), value...)
	}
	text := []byte("null")
	if len(raw) > 0 {
		text = AppendText(nil, string(raw))
	}
	value := text
	if len(raw) > 0 {
		if v := f.kind.value(string(raw)); v != nil {
			value = v
		}
	}
	if f.kind.suffix() != "" {
		put(f.name+f.kind.suffix(), text)
		b = append(b, ',')
	}
	put(f.name, value)
	return b
}

// AppendField writes "name":value for a text of the given kind.
func AppendField(b []byte, name string, kind Kind, raw []byte) []byte {
	return field{name, kind}.append(b, raw)
}

// value is the JSON of a field that is not empty; nil where it is a text, or not of its kind.
func (k Kind) value(text string) []byte {
	switch k {
	case Time:
		if at, ok := ParseTime(text); ok {
			return append(at.AppendFormat([]byte{'"'}, time.RFC3339Nano), '"')
		}
	case Bool:
		switch strings.ToLower(text) {
		case "true", "false":
			return []byte(strings.ToLower(text))
		}
	case Number:
		if v := jsontext.Value(text); v.Kind() == '0' && v.IsValid() {
			return v
		}
	case Money:
		if minor, ok := wholeTimes(text, 100); ok {
			return strconv.AppendInt(nil, minor, 10)
		}
	case JSON:
		if v := jsontext.Value(text); v.IsValid(jsontext.AllowDuplicateNames(true)) {
			return bytes.TrimSpace(v)
		}
	case Pair:
		pair, ok := pythonPair(text)
		if !ok {
			return []byte("null")
		}
		b := AppendText([]byte{'['}, pair[0])
		return append(AppendText(append(b, ','), pair[1]), ']')
	}
	return nil
}

// AppendText appends a text as JSON.
func AppendText(b []byte, text string) []byte {
	b, err := jsontext.AppendQuote(b, strings.ToValidUTF8(text, "\uFFFD"))
	// Only broken UTF-8 fails, and there is none left.
	if err != nil {
		return append(b, `""`...)
	}
	return b
}

// ParseTime reads a time as Polar's exports write it, with or without microseconds.
func ParseTime(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02") || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// wholeTimes multiplies a decimal number by times, exactly. It returns false where the product is no whole number of 64 bits.
func wholeTimes(text string, times int64) (int64, bool) {
	const longest = 40 // bounds the exponent, so that the number does not become huge
	if v := jsontext.Value(text); len(text) > longest || v.Kind() != '0' || !v.IsValid() {
		return 0, false
	}
	if _, exponent, is := strings.Cut(strings.ToLower(text), "e"); is {
		if n, err := strconv.Atoi(exponent); err != nil || n > longest || n < -longest {
			return 0, false
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	if r.Mul(r, big.NewRat(times, 1)); !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// pythonPair reads the first and the last literal of the text of a pair.
func pythonPair(text string) (pair [2]string, ok bool) {
	var found []string
	for i := 0; i < len(text); i++ {
		if quote := text[i]; quote == '\'' || quote == '"' {
			value, length := pythonLiteral(text[i+1:], quote)
			if length < 0 {
				return pair, false
			}
			found = append(found, value)
			i += length + 1
		}
	}
	if len(found) != 2 {
		return pair, false
	}
	return [2]string{found[0], found[1]}, true
}

// pythonLiteral reads a text up to its closing quote. The length is -1 where it does not end, or has an unknown escape.
func pythonLiteral(text string, quote byte) (value string, length int) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case quote:
			return b.String(), i
		case '\\':
			if i++; i == len(text) || !strings.ContainsRune(`\'"`, rune(text[i])) {
				return "", -1
			}
		}
		b.WriteByte(text[i])
	}
	return "", -1
}

// suffix makes the name of the second field, for kinds that become two.
func (k Kind) suffix() string {
	switch k {
	case Money:
		return "_major"
	case Pair:
		return "_text"
	}
	return ""
}
