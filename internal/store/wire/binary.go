package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Binary appends a JSON value as Postgres takes it in binary form. It may
// refuse what a decoder would take; it never takes what a decoder would refuse.
type Binary func(b []byte, value jsontext.Value) ([]byte, error)

// BinaryOf gives the Binary of the column that a Go type, or a pointer to it,
// is the generated parameter of; nil where there is none.
//
// The forms are those of the types' receive functions in PostgreSQL's source,
// src/backend/utils/adt.
func BinaryOf(t reflect.Type) Binary {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return appendUUID
	case reflect.TypeFor[time.Time]():
		return appendTime
	case reflect.TypeFor[json.RawMessage]():
		return appendJSONB
	case reflect.TypeFor[[]byte]():
		return appendBytea
	}
	switch t.Kind() {
	case reflect.String:
		return appendText
	case reflect.Int64:
		return appendInt
	case reflect.Bool:
		return appendBool
	}
	return nil
}

// AppendField appends a column of a row in the binary form of COPY: its length
// and then its bytes. A value of no bytes is NULL.
func (enc Binary) AppendField(b []byte, value jsontext.Value) ([]byte, error) {
	if len(value) == 0 {
		return append(b, 0xff, 0xff, 0xff, 0xff), nil
	}
	start := len(b)
	b, err := enc(append(b, 0, 0, 0, 0), value)
	if err != nil {
		return b, err
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b, nil
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
