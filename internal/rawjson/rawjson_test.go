package mirror

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzMembers holds the scanner against a decoder.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : 1 , "b\"" : [ 1 , {"]":"}"} ] , "" : "\\" } `, `[]`, `[1,2.5e-3,"x",null,true,{"a":[]}]`, "[\n1\t,\r2 ]", `{"a":"\\\""}`,
		`{`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `[`, `["`, `["\`, `x`, ``, `}`, `]`, `{"a" 1}`, `[[[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got [][]byte
		for name, value := range members(raw) {
			got = append(got, name, value)
		}
		var elems [][]byte
		for value := range elements(raw) {
			elems = append(elems, value)
		}
		v := jsontext.Value(raw)
		if !v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			return // it has ended, without a panic
		}
		dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		tok, err := dec.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		switch tok.Kind() {
		case '{':
		case '[':
			got = elems
		default:
			return
		}
		for i := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; i++ {
			want, err := dec.ReadValue()
			if err != nil {
				t.Fatal(err)
			}
			if i >= len(got) || !bytes.Equal(got[i], want) {
				t.Fatalf("value %d of %s: want %s of %q", i, raw, want, got)
			}
		}
	})
}
