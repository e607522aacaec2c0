package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func readCSV(text string) (records [][]string, err error) {
	r := newCSVReader(strings.NewReader(text))
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		record := make([]string, len(fields))
		for i, f := range fields {
			record[i] = string(f)
		}
		records = append(records, record)
	}
}

func TestCSVIsExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][][]string{
		"":                                  nil,
		"a,b\r\n":                           {{"a", "b"}},
		"\"\"\r\n":                          {{""}},
		",\r\n,\r\n":                        {{"", ""}, {"", ""}},
		"\"a\r\nb\",\"c\nd\",\"e\rf\"\r\n":  {{"a\r\nb", "c\nd", "e\rf"}}, // trap 23: nothing is normalized
		"\"say \"\"hi\"\"\",\"1,5\"\r\n":    {{`say "hi"`, "1,5"}},
		"=1+1, \u202ex ,\x00\r\n":           {{"=1+1", " \u202ex ", "\x00"}},
		"\"\"\"\",\"\"\"\"\"\"\r\nü,日本\r\n": {{`"`, `""`}, {"ü", "日本"}},
	} {
		got, err := readCSV(text)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestCSVRefuses(t *testing.T) {
	t.Parallel()
	for text, cut := range map[string]bool{
		"a,b": true, "a,b\r": true, "\"a": true, "\"a\"": true, "\"a\"\r": true, "a,": true, "a\r\n\"": true, "\"a\"\"": true,
		"a\nb\r\n": false, "a\rb\r\n": false, "a\"b\r\n": false, "\"a\"b\r\n": false, "\"a\"\n": false,
	} {
		_, err := readCSV(text)
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) != cut {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := readCSV(strings.Repeat("x", maxRecord+1)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a record without end: %v", err)
	}
}

// writeCSV is the dialect excel of Python, in the plainest way.
func writeCSV(records [][]string) string {
	var b strings.Builder
	for _, record := range records {
		for i, f := range record {
			if i > 0 {
				b.WriteByte(',')
			}
			if strings.ContainsAny(f, ",\"\r\n") || len(record) == 1 && f == "" {
				f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
			}
			b.WriteString(f)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// What is accepted comes back byte by byte when it is written again as Python writes it and read once more; it is cut
// nowhere; and Go's own reader agrees but for the line breaks that it rewrites.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\r\n1,\"x\r\ny\"\r\n", "\"\"\r\n", ",,\r\n", "\"a\"\"b\",c\r\n", "a,b", "\"a", "a\"\r\n", "ID,Name\r\n1,\xff\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := readCSV(string(data))
		if err != nil {
			return
		}
		again, err := readCSV(writeCSV(records))
		if err != nil || !slices.EqualFunc(again, records, slices.Equal) {
			t.Fatalf("%q: %q became %q, %v", data, records, again, err)
		}
		if n := len(data); n > 0 {
			if cut, err := readCSV(string(data[:n-1])); err == nil {
				t.Fatalf("%q without its last byte: %q", data, cut)
			}
		}
		r := csv.NewReader(bytes.NewReader(data))
		r.FieldsPerRecord = -1
		theirs, err := r.ReadAll()
		if err != nil {
			return // stricter in some ways, such as with empty lines and quotes
		}
		// Go leaves out lines that are empty, and drops one CR before each LF wherever it is; that ours are kept is shown above.
		ours := slices.DeleteFunc(slices.Clone(records), func(r []string) bool { return len(r) == 1 && r[0] == "" })
		theirs = slices.DeleteFunc(theirs, func(r []string) bool { return len(r) == 1 && r[0] == "" })
		same := func(a, b string) bool {
			return strings.ReplaceAll(a, "\r", "") == strings.ReplaceAll(b, "\r", "")
		}
		if !slices.EqualFunc(ours, theirs, func(a, b []string) bool { return slices.EqualFunc(a, b, same) }) {
			t.Fatalf("%q: %q, Go reads %q", data, ours, theirs)
		}
	})
}
