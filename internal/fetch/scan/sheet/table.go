package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/humanize"
)

// Shape is what a file should have, and what identifies its rows; see scan.Export.
type Shape struct {
	Of      string     // path of the list that the rows are of
	Columns []Column   // the known columns
	Key     [][]string // groups of fields; the first group whose fields all have a value identifies the row
	Order   string     // the field that the file is sorted by
}

// namespace makes the ids of rows that have none of their own.
var namespace = uuid.MustParse("5b0d8a52-7a3e-5c0e-8f52-4a8a0f1c6d21")

// ErrBroken is a file that is not a whole export.
var ErrBroken = errors.New("no whole export")

// Table reads the rows of an export as items.
type Table struct {
	csv     *csvReader
	shape   Shape
	fields  []field
	at      map[string]int // by field name: its index in the records
	order   string         // value of Order in the previous row
	ordinal map[string]int // how many rows with that value have had each key
}

// field is a column of the file.
type field struct {
	name string // of the field; the header itself where the column is unknown
	kind Kind
}

// New makes the Table of a file.
func New(r io.Reader, shape Shape) *Table {
	return &Table{csv: newCSVReader(r), shape: shape}
}

// ReadHeader reads the header. It refuses one without the columns that identify a row.
func (t *Table) ReadHeader() error {
	headers, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: not even a header: %w", ErrBroken, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	t.fields, t.at = make([]field, len(headers)), make(map[string]int, len(headers))
	taken := map[string]bool{}
	for _, c := range t.shape.Columns {
		for _, name := range c.names() {
			taken[name] = true
		}
	}
	for i, h := range headers {
		header := strings.ToValidUTF8(string(h), "\uFFFD")
		if i == 0 {
			header = strings.TrimPrefix(header, "\uFEFF")
		}
		if c, known := column(t.shape.Columns, header); known {
			if _, twice := t.at[c.Name]; !twice {
				t.fields[i], t.at[c.Name] = field{c.Name, c.Kind}, i
				continue
			}
		}
		// An unknown column becomes a field of its own. Its name must not be a known field, nor come twice.
		name := header
		for n := 2; taken[name] || name == "id" || strings.HasPrefix(name, "_"); n++ {
			name = "column " + header
			if n > 2 {
				name += " " + strconv.Itoa(n-1)
			}
		}
		taken[name] = true
		t.fields[i] = field{name, Text}
	}
	for _, group := range t.shape.Key {
		if t.has(group) {
			return nil
		}
	}
	return fmt.Errorf("%w: the header lacks the columns that identify its rows: %s", ErrBroken, humanize.Line(strings.Join(t.ColumnNames(), ", "), 300))
}

func (t *Table) has(fields []string) bool {
	for _, name := range fields {
		if _, is := t.at[name]; !is {
			return false
		}
	}
	return true
}

// ColumnNames are the names of the fields, in the order of a record.
func (t *Table) ColumnNames() []string {
	names := make([]string, len(t.fields))
	for i, f := range t.fields {
		names[i] = f.name
	}
	return names
}

// ColumnIndex is the index in a record of a column that the header has.
func (t *Table) ColumnIndex(name string) int { return t.at[name] }

// ReadRecord reads a row; io.EOF after the last.
func (t *Table) ReadRecord() ([][]byte, error) {
	fields, err := t.csv.Read()
	if err == nil && len(fields) != len(t.fields) {
		return nil, fmt.Errorf("%w: record %d has %d fields where the header has %d", ErrBroken, t.csv.record, len(fields), len(t.fields))
	}
	return fields, err
}

// CountRows reads to the end, and returns the number of rows.
func (t *Table) CountRows() (rows int, err error) {
	for {
		_, err := t.ReadRecord()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows++
	}
}

// ReadItem reads a row as a JSON object.
func (t *Table) ReadItem() (jsontext.Value, error) {
	record, err := t.ReadRecord()
	if err != nil {
		return nil, unexpected(err)
	}
	b := append(make([]byte, 0, 1024), `{"id":`...)
	b = AppendText(b, t.id(record))
	for i, f := range t.fields {
		if f.kind == ID {
			continue
		}
		b = f.append(append(b, ','), record[i])
	}
	return append(b, '}'), nil
}

// id is the id of a row: its own, or one made of its key.
func (t *Table) id(record [][]byte) string {
	value := func(name string) string {
		if i, is := t.at[name]; is {
			return string(record[i])
		}
		return ""
	}
	for _, f := range t.fields {
		if f.kind == ID {
			return value(f.name)
		}
	}
	if order := normal(value(t.shape.Order)); order != t.order || t.ordinal == nil {
		t.order, t.ordinal = order, map[string]int{}
	}
	key := ""
	for n, group := range t.shape.Key {
		key = strconv.Itoa(n)
		whole := true
		for _, name := range group {
			v := value(name)
			whole = whole && v != ""
			key += "\x00" + normal(v)
		}
		if whole || n == len(t.shape.Key)-1 {
			break
		}
	}
	t.ordinal[key]++
	return UUID(t.shape.Of, key, strconv.Itoa(t.ordinal[key]))
}

// normal writes a time in one form, whatever zone and precision it came in: the id of a row must not depend on these.
func normal(text string) string {
	if at, ok := ParseTime(text); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return text
}

// UUID is a stable id for a thing without an id of its own.
func UUID(parts ...string) string {
	return uuid.NewSHA1(namespace, []byte(strings.Join(parts, "\x00"))).String()
}
