package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

var binaryTypes = []struct {
	oid uint32
	new func() any
}{
	{pgtype.UUIDOID, func() any { return new(uuid.UUID) }},
	{pgtype.TimestamptzOID, func() any { return new(time.Time) }},
	{pgtype.TextOID, func() any { return new(string) }},
	{pgtype.Int8OID, func() any { return new(int64) }},
	{pgtype.BoolOID, func() any { return new(bool) }},
	{pgtype.ByteaOID, func() any { return new([]byte) }},
	{pgtype.NumericOID, func() any { return new(Decimal) }},
}

// checkBinary holds what AppendField appends against what a decoder and pgx make of the same value.
func checkBinary(t *testing.T, value string) {
	t.Helper()
	for _, typ := range binaryTypes {
		target := typ.new()
		of, ok := TypeOf(reflect.TypeOf(target).Elem())
		if !ok || of.OID != typ.oid {
			t.Fatalf("%T is of the type %d, %v", target, of.OID, ok)
		}
		got, err := of.AppendField([]byte("x"), jsontext.Value(value))
		if value == "" {
			continue
		}
		if refused := jsonv2.Unmarshal([]byte(value), target); refused != nil || err != nil {
			if (refused == nil) != (err == nil) || string(got) != "x" {
				t.Errorf("%T of %s: %v, % x; a decoder says %v", target, value, err, got, refused)
			}
			continue
		}
		plain := reflect.ValueOf(target).Elem().Interface()
		if id, ok := plain.(uuid.UUID); ok {
			plain = pgtype.UUID{Bytes: id, Valid: true}
		}
		want, err := pgtype.NewMap().Encode(typ.oid, pgtype.BinaryFormatCode, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		want = append(binary.BigEndian.AppendUint32([]byte("x"), uint32(len(want))), want...)
		if !bytes.Equal(got, want) {
			t.Errorf("%T of %s: % x, pgx writes % x", target, value, got, want)
		}
		if field, rest := nextField(append(got[1:], 'y')); !bytes.Equal(field, want[1:]) || string(rest) != "y" {
			t.Errorf("%T of %s: the field is % x, and then % x", target, value, field, rest)
		}
	}
}

var binaryValues = []string{
	`"11111111-2222-4333-8444-555555555555"`, `"{1111111-2222-4333-8444-55555555555}"`, `"11111111222243338444555555555555"`,
	`"2026-01-02T03:04:05.678901Z"`, `"2026-01-02T03:04:05+05:30"`, `"1999-12-31T23:59:59.9999999Z"`, `"0001-01-01T00:00:00Z"`,
	`"2026-01-02"`, `"2026-01-02T03:04:05"`, `"now"`, `"0000-01-01T0:00:00Z"`, `"infinity"`, `"2026-01-02T03:04:05,5Z"`, `"2026-02-30T00:00:00Z"`,
	`""`, `"a"`, `"\u00e9\n\"\\ \ud83d\ude00"`, `"AQID"`, `"AQI="`, `"AQI"`,
	`0`, `-0`, `12`, `0.500`, `-12.34e-3`, `"1E-7"`, `"12.5"`, `1e200000`, `10000`, `123456789012345678901234567890.123456789`, `-9223372036854775808`, `9223372036854775808`, `1.0`, `1e3`, `true`, `false`, `null`, `[1]`, `{"a":1}`,
}

func TestBinaryIsWhatTheDriverWrites(t *testing.T) {
	for _, value := range binaryValues {
		checkBinary(t, value)
	}
}

// What Polar sends takes the quick way.
func TestQuickTakesWhatPolarSends(t *testing.T) {
	for value, typ := range map[string]reflect.Type{
		binaryValues[0]: reflect.TypeFor[uuid.UUID](), binaryValues[3]: reflect.TypeFor[time.Time](), `0.500`: reflect.TypeFor[Decimal](),
		`"\n"`: reflect.TypeFor[string](), `-5`: reflect.TypeFor[int64](), `true`: reflect.TypeFor[bool](), `"AQID"`: reflect.TypeFor[[]byte](),
	} {
		of, _ := TypeOf(typ)
		if _, err := of.quick(nil, jsontext.Value(value)); err != nil {
			t.Errorf("%s as %v: %v", value, typ, err)
		}
	}
}

func TestBinaryJSONAndNull(t *testing.T) {
	of, _ := TypeOf(reflect.TypeFor[json.RawMessage]())
	got, err := of.AppendField(nil, jsontext.Value(`{"a":1.0}`))
	if want := "\x00\x00\x00\x0a\x01" + `{"a":1.0}`; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if got, err = of.AppendField(nil, nil); err != nil || string(got) != "\xff\xff\xff\xff" {
		t.Errorf("null is %q, %v", got, err)
	}
	if field, rest := nextField(append(got, 'y')); string(field) != string(got) || string(rest) != "y" {
		t.Errorf("null is read as %q, and then %q", field, rest)
	}
	if _, ok := TypeOf(reflect.TypeFor[int32]()); ok {
		t.Error("a type without a binary form has one")
	}
}

// Arrays are what the driver writes, in whichever order they are asked for.
func TestArrays(t *testing.T) {
	text, _ := TypeOf(reflect.TypeFor[string]())
	number, _ := TypeOf(reflect.TypeFor[int64]())
	var fields [][]byte
	for _, row := range [][2]string{{`"one"`, `1`}, {``, `2`}, {`"\u00e9"`, ``}} {
		b, err := text.AppendField(nil, jsontext.Value(row[0]))
		if err == nil {
			b, err = number.AppendField(b, jsontext.Value(row[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, b)
	}
	one, two, first, second := "one", "é", int64(1), int64(2)
	arrays := Arrays([]Type{text, number}, fields)
	for _, c := range []int{0, 1, 0, 0, 1, 1} {
		var want []byte
		var err error
		if c == 0 {
			want, err = pgtype.NewMap().Encode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, []*string{&one, nil, &two}, []byte("x"))
		} else {
			want, err = pgtype.NewMap().Encode(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, []*int64{&first, &second, nil}, []byte("x"))
		}
		if got := arrays[c].Append([]byte("x")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("column %d: % x, the driver writes % x, %v", c, got, want, err)
		}
	}
	if all, size := len(arrays[0].Append(nil))+len(arrays[1].Append(nil)), arrays[0].Size()+arrays[1].Size(); size != all {
		t.Errorf("Size says %d bytes of %d", size, all)
	}
}

func FuzzBinary(f *testing.F) {
	for _, value := range binaryValues {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if jsontext.Value(value).IsValid() {
			checkBinary(t, string(bytes.TrimSpace([]byte(value))))
		}
	})
}
