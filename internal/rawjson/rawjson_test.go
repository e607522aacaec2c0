package rawjson

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
		for name, value := range Members(raw) {
			got = append(got, name, value)
		}
		var elems [][]byte
		for value := range Elements(raw) {
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

// What is cut off is what lies too deep, and everything else stays where it was.
func TestShallow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		most int
		want string
	}{
		{`{"a":[1,[2,[3]]],"b":"[[["}`, 2, `{"a":[1,0      ],"b":"[[["}`},
		{`{"a":[1]}`, 2, `{"a":[1]}`}, {`[[[`, 1, `[0 `}, {`[]`, 0, `0 `}, {``, 1, ``}, {`]]]`, 1, `]]]`}, {`"[`, 0, `"[`},
	} {
		in := []byte(c.in)
		if got := string(CutDepth(in, c.most)); got != c.want || string(in) != c.in {
			t.Errorf("%s: %q, want %q; %q", c.in, got, c.want, in)
		}
	}
}

// slowly is Without by a decoder, one level after the other.
func slowly(t *testing.T, raw jsontext.Value, fate func([]byte) Fate) jsontext.Value {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	tok, err := d.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	kind := tok.Kind()
	if kind != '{' && kind != '[' {
		return bytes.TrimSpace(raw)
	}
	out := []byte{byte(kind)}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		become := Enter
		var name jsontext.Value
		if kind == '{' {
			value, _ := d.ReadValue()
			name = bytes.Clone(value)
			if plain, err := Unquote(name); err == nil {
				become = fate(plain)
			}
		}
		value, err := d.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		if become == Drop {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if kind == '{' {
			out = append(append(out, name...), ':')
		}
		if become == Enter {
			value = slowly(t, bytes.Clone(value), fate)
		}
		out = append(out, value...)
	}
	return append(out, map[jsontext.Kind]byte{'{': '}', '[': ']'}[kind])
}

func FuzzWithout(f *testing.F) {
	for _, s := range []string{
		`{"drop":1,"a":{"drop":[{}],"keep":{"drop":2}},"b":[{"drop":1},{"c":"drop"}]}`, ` { "a" : [ 1 , {"drop" : "]" } ] , "" : "\\" } `, `[]`, `{"drop":{}}`,
		`{"dr\u006fp":1,"x":"{\"drop\":1}"}`, `"drop"`, `12`, `{`, `{"drop`, `{"drop":`, `[1,`, `{"a":{"drop":1}`, `}`, `{]`, ``,
	} {
		f.Add([]byte(s))
	}
	fate := func(name []byte) Fate {
		switch string(name) {
		case "drop":
			return Drop
		case "keep":
			return Keep
		}
		return Enter
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		got := WithoutMembers(raw, fate)
		if !bytes.Equal(raw, before) {
			t.Fatal("it was changed")
		}
		if !jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			return // it has ended, without a panic
		}
		if want := slowly(t, raw, fate); !bytes.Equal(got, want) {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
	})
}
