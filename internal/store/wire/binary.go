package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// Type is how the values of a column go from JSON to Postgres: in the binary
// form of the column's type. The forms are those of the types' receive
// functions in PostgreSQL's source, src/backend/utils/adt.
type Type struct {
	OID uint32
	// quick appends what Polar usually sends. It may refuse what a decoder would
	// take; it never takes what a decoder would refuse.
	quick func(b []byte, value jsontext.Value) ([]byte, error)
	// decoded appends what a decoder makes of the value.
	decoded func(b []byte, value jsontext.Value) ([]byte, error)
}

// TypeOf gives the Type of the column that a Go type is the generated parameter of; false where there is none.
func TypeOf(t reflect.Type) (Type, bool) {
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return Type{pgtype.UUIDOID, appendUUID, by(func(b []byte, id uuid.UUID) ([]byte, error) { return append(b, id[:]...), nil })}, true
	case reflect.TypeFor[time.Time]():
		return Type{pgtype.TimestamptzOID, appendTime, by(appendMoment)}, true
	case reflect.TypeFor[json.RawMessage]():
		return Type{pgtype.JSONBOID, appendJSONB, appendJSONB}, true
	case reflect.TypeFor[[]byte]():
		return Type{pgtype.ByteaOID, appendBytea, by(func(b []byte, v []byte) ([]byte, error) { return append(b, v...), nil })}, true
	case reflect.TypeFor[Decimal]():
		return Type{pgtype.NumericOID, appendDecimal, by(appendNumeric)}, true
	}
	switch t.Kind() {
	case reflect.String:
		return Type{pgtype.TextOID, appendText, by(func(b []byte, s string) ([]byte, error) { return append(b, s...), nil })}, true
	case reflect.Int64:
		return Type{pgtype.Int8OID, appendInt, by(func(b []byte, n int64) ([]byte, error) { return binary.BigEndian.AppendUint64(b, uint64(n)), nil })}, true
	case reflect.Bool:
		return Type{pgtype.BoolOID, appendBool, by(func(b []byte, v bool) ([]byte, error) {
			if v {
				return append(b, 1), nil
			}
			return append(b, 0), nil
		})}, true
	}
	return Type{}, false
}

// by decodes a value, and appends what comes of it.
func by[T any](encode func([]byte, T) ([]byte, error)) func([]byte, jsontext.Value) ([]byte, error) {
	return func(b []byte, value jsontext.Value) ([]byte, error) {
		var v T
		if err := jsonv2.Unmarshal(value, &v); err != nil {
			return b, err
		}
		return encode(b, v)
	}
}

// AppendField appends a value as an element of an array, or a column of a row:
// its length and then its bytes. A value of no bytes is NULL.
func (t Type) AppendField(b []byte, value jsontext.Value) ([]byte, error) {
	if len(value) == 0 {
		return append(b, 0xff, 0xff, 0xff, 0xff), nil
	}
	start := len(b)
	grown, err := t.quick(append(b, 0, 0, 0, 0), value)
	if err != nil {
		if grown, err = t.decoded(append(b, 0, 0, 0, 0), value); err != nil {
			return b, err
		}
	}
	binary.BigEndian.PutUint32(grown[start:], uint32(len(grown)-start-4))
	return grown, nil
}

// Array is a column of rows, to be sent as an array in Postgres's binary form.
type Array struct {
	column int
	of     *rows
}

// rows are what Append takes its columns from.
type rows struct {
	types  []Type
	fields [][]byte // what AppendField appended, by row
	rest   [][]byte // of that, from the column next on
	next   int
}

// Arrays are the columns of rows, whose values AppendField appended in the order of the columns.
func Arrays(types []Type, fields [][]byte) []Array {
	of := &rows{types: types, fields: fields, next: len(types)}
	arrays := make([]Array, len(types))
	for c := range arrays {
		arrays[c] = Array{c, of}
	}
	return arrays
}

// Append appends the array: the dimensions, whether any element is NULL, the type of the elements, for the one dimension its
// length and the index of its first element; and the elements. It is quick where columns come in their order.
func (a Array) Append(b []byte) []byte {
	r := a.of
	r.seek(a.column)
	b = slices.Grow(b, a.Size()) // the others follow the first
	for _, word := range [...]uint32{1, 1, r.types[a.column].OID, uint32(len(r.rest)), 1} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	for i := range r.rest {
		var field []byte
		field, r.rest[i] = nextField(r.rest[i])
		b = append(b, field...)
	}
	r.next++
	return b
}

// Size is how many bytes all columns of these rows have: for the first of them, and zero for the others, so that a sum is right.
func (a Array) Size() int {
	if a.column > 0 {
		return 0
	}
	const header = 5 * 4
	size := header * len(a.of.types)
	for _, fields := range a.of.fields {
		size += len(fields)
	}
	return size
}

// seek makes a column the next one.
func (r *rows) seek(column int) {
	if column < r.next {
		r.rest, r.next = slices.Clone(r.fields), 0
	}
	for ; r.next < column; r.next++ {
		for i := range r.rest {
			_, r.rest[i] = nextField(r.rest[i])
		}
	}
}

// nextField takes the first field off what AppendField appended.
func nextField(fields []byte) (field, rest []byte) {
	n := 4
	if length := int32(binary.BigEndian.Uint32(fields)); length > 0 { // -1 is NULL
		n += int(length)
	}
	return fields[:n], fields[n:]
}

var errPlain = errors.New("not a plain string")

// plain is what stands between the quotes of a string without escapes.
func plain(value jsontext.Value) ([]byte, error) {
	if len(value) < 2 || value[0] != '"' {
		return nil, errPlain
	}
	text := value[1 : len(value)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		return nil, errPlain
	}
	return text, nil
}

func appendUUID(b []byte, value jsontext.Value) ([]byte, error) {
	text, err := plain(value)
	if err != nil || len(text) != 36 {
		return b, errPlain
	}
	id, err := uuid.ParseBytes(text)
	return append(b, id[:]...), err
}

// appendTime appends microseconds since the year 2000.
func appendTime(b []byte, value jsontext.Value) ([]byte, error) {
	text, err := plain(value)
	// Package time takes more than RFC 3339: a comma for the point, an hour of one digit, offsets of days.
	if n := len(text); err != nil || n < len("2006-01-02T15:04:05Z") || text[13] != ':' || text[n-1] != 'Z' || bytes.IndexByte(text, ',') >= 0 {
		return b, errPlain
	}
	var t time.Time
	if err := t.UnmarshalText(text); err != nil {
		return b, err
	}
	return appendMoment(b, t)
}

func appendMoment(b []byte, t time.Time) ([]byte, error) {
	const epoch = 946_684_800_000_000
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()-epoch)), nil
}

// appendJSONB: the one is the version of the format.
func appendJSONB(b []byte, value jsontext.Value) ([]byte, error) {
	return append(append(b, 1), value...), nil
}

func appendBytea(b []byte, value jsontext.Value) ([]byte, error) {
	text, err := plain(value)
	if err != nil {
		return b, err
	}
	return base64.StdEncoding.AppendDecode(b, text)
}

func appendText(b []byte, value jsontext.Value) ([]byte, error) {
	if value[0] != '"' {
		return b, errPlain
	}
	return jsontext.AppendUnquote(b, value)
}

func appendInt(b []byte, value jsontext.Value) ([]byte, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return binary.BigEndian.AppendUint64(b, uint64(n)), err
}

func appendBool(b []byte, value jsontext.Value) ([]byte, error) {
	switch string(value) {
	case "true":
		return append(b, 1), nil
	case "false":
		return append(b, 0), nil
	}
	return b, fmt.Errorf("no boolean: %s", quote(string(value)))
}

func appendDecimal(b []byte, value jsontext.Value) ([]byte, error) {
	if value[0] == '"' {
		return b, errPlain
	}
	d, err := Parse(string(value))
	if err != nil {
		return b, err
	}
	return appendNumeric(b, d)
}

// appendNumeric: the plan of the driver's codec needs no map of types.
func appendNumeric(b []byte, d Decimal) ([]byte, error) {
	n, err := d.NumericValue()
	if err != nil {
		return b, err
	}
	return pgtype.NumericCodec{}.PlanEncode(nil, pgtype.NumericOID, pgtype.BinaryFormatCode, n).Encode(n, b)
}
