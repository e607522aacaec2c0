package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/humanize"
)

// Export reads a list as a CSV file, in one request. Its items are JSON objects with the fields of Columns; see Column for
// the form of each. A column of the file that Columns does not name is a field by its own header; one that the file lacks
// is missing from the items.
//
// The file is proved to be whole before its first row is given out: Polar sends status 200 and the header before it looks
// for the rows, so a query that fails shows as a file that ends early (polarsource/polar, server/polar/kit/csv.py). Whole
// is a file that ends cleanly, behind a line break, whose records all have as many fields as the header, and that has no
// fewer rows than the list counts. Rows come and go, so the count is taken before and after, and the lower one holds.
//
// A scan begins at the beginning, whatever the Cursor: another export is another state of the list.
type Export struct {
	Of      string   // path of the list that counts the rows: /v1/orders/
	Columns []Column // that are known
	// Choose asks for these values of the parameter columns; empty where the export has no such parameter. A server that
	// knows fewer refuses all of them, and is asked for its default ones instead.
	Choose []string
	// Key names the fields that tell the rows apart: the id of an item is a UUID made of the first group all of whose fields
	// have a value, and of the row's place among those with the same ones. A field of kind ColumnID is the id itself.
	Key [][]string
	// Order is the field that the file is sorted by. Rows with equal keys have equal values of it, and stand together.
	Order string
}

const (
	exportRows = 500 // items of a page; what Polar reads at a time is no concern here
	// exportCap is the most rows that Polar gives of orders and subscriptions (server/polar/order/export.py).
	exportCap = 1_000_000
	// exportCounts bounds how often an export is read whose rows are fewer than those counted.
	exportCounts = 3
)

// exportNamespace makes the ids of rows that have none of their own.
var exportNamespace = uuid.MustParse("5b0d8a52-7a3e-5c0e-8f52-4a8a0f1c6d21")

// errExport is a file that is not what an export is.
var errExport = errors.New("no whole export")

// Pages implements Scan.
func (e Export) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		file, rows, requests, err := e.fetch(ctx, c, path, query)
		if err != nil {
			yield(unread(query, requests, from), err)
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		page := func() Page {
			p := fetch.Page{Query: file.Query, TotalCount: rows, MaxPage: 1, RequestedAt: file.RequestedAt, Requests: requests}
			requests = 0
			return Page{Page: p, Total: rows, Whole: rows}
		}
		t := newTable(file, e)
		if err := t.head(); err != nil { // it was read before
			yield(unread(file.Query, 0, from), exportError(c, path, file.Query, err))
			return
		}
		p := page()
		for given := 0; given < rows; given++ {
			item, err := t.item()
			if err != nil {
				yield(unread(file.Query, 0, from), exportError(c, path, file.Query, err))
				return
			}
			p.Items = append(p.Items, item)
			if len(p.Items) == exportRows && given+1 < rows {
				p.Next = Cursor{Page: given/exportRows + 2}
				if !yield(p, nil) {
					return
				}
				p = page()
			}
		}
		p.Done = true
		yield(p, nil)
	}
}

func exportError(c *fetch.Client, path string, query url.Values, err error) error {
	return &fetch.Error{Op: "read an export", Method: http.MethodGet, Server: c.Server(), Path: path, Query: query, Class: fetch.ClassTransient,
		Err: err, Remedy: "try again later"}
}

// fetch brings a file that is whole, and the number of its rows.
func (e Export) fetch(ctx context.Context, c *fetch.Client, path string, query url.Values) (file *fetch.Spool, rows, requests int, err error) {
	asked := query
	if len(e.Choose) > 0 {
		asked = lists.With(query, "columns", e.Choose...)
	}
	before, err := count(ctx, c, e.Of, query)
	requests += before.Requests
	for try := 1; err == nil; try++ {
		file, rows, err = e.spool(ctx, c, path, asked)
		requests += file.Requests
		if failed, is := errors.AsType[*fetch.Error](err); is && failed.Status == http.StatusUnprocessableEntity && len(asked["columns"]) > 0 {
			asked, err = query, nil // this server does not know all of the columns
			continue
		}
		if err != nil {
			break
		}
		var after Count
		after, err = count(ctx, c, e.Of, query)
		requests += after.Requests
		if err == nil && rows >= min(before.Total, after.Total) {
			return file, rows, requests, nil
		}
		if err = errors.Join(err, file.Close()); err != nil {
			break
		}
		short := fmt.Errorf("%w: %d rows, where the list counts %d: it was cut short", errExport, rows, min(before.Total, after.Total))
		if rows == exportCap {
			short = fmt.Errorf("%w: Polar's exports end after %d rows, the list counts %d", errExport, rows, after.Total)
		}
		if try >= exportCounts || rows == exportCap {
			err = exportError(c, path, asked, short)
		}
		before = after
	}
	return nil, 0, requests, err
}

// spool reads the export once into a file, and counts its rows.
func (e Export) spool(ctx context.Context, c *fetch.Client, path string, query url.Values) (file *fetch.Spool, rows int, err error) {
	file, err = c.SpoolCSV(ctx, path, query, func(r io.Reader) error {
		t := newTable(r, e)
		if err := t.head(); err != nil {
			return err
		}
		rows, err = t.count()
		return err
	})
	return file, rows, err
}

// table reads the rows of an export as items.
type table struct {
	csv     *csvReader
	export  Export
	fields  []tableField
	at      map[string]int // by field name: its place in the records
	order   string         // value of the row before, by which the file is sorted
	ordinal map[string]int // of the keys among rows of that value
}

// tableField is a column as it stands in a file.
type tableField struct {
	name string // of the field; the header itself where it is not known
	kind ColumnKind
}

func newTable(r io.Reader, e Export) *table {
	return &table{csv: newCSVReader(r), export: e}
}

// head reads the header, and refuses one that lacks what the rows are told apart by.
func (t *table) head() error {
	headers, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: not even a header: %w", errExport, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	t.fields, t.at = make([]tableField, len(headers)), make(map[string]int, len(headers))
	taken := map[string]bool{}
	for _, c := range t.export.Columns {
		for _, name := range c.names() {
			taken[name] = true
		}
	}
	for i, h := range headers {
		header := strings.ToValidUTF8(string(h), "\uFFFD")
		if i == 0 {
			header = strings.TrimPrefix(header, "\uFEFF")
		}
		if c, known := column(t.export.Columns, header); known {
			if _, twice := t.at[c.Name]; !twice {
				t.fields[i], t.at[c.Name] = tableField{c.Name, c.Kind}, i
				continue
			}
		}
		// A field of its own, which must be none of those that are known, nor come twice.
		name := header
		for n := 2; taken[name] || name == "id" || strings.HasPrefix(name, "_"); n++ {
			name = "column " + header
			if n > 2 {
				name += " " + strconv.Itoa(n-1)
			}
		}
		taken[name] = true
		t.fields[i] = tableField{name, ColumnText}
	}
	for _, group := range t.export.Key {
		if t.has(group) {
			return nil
		}
	}
	return fmt.Errorf("%w: a header without the columns that tell its rows apart: %s", errExport, humanize.Line(t.headerLine(), 300))
}

func (t *table) has(fields []string) bool {
	for _, name := range fields {
		if _, is := t.at[name]; !is {
			return false
		}
	}
	return true
}

func (t *table) headerLine() string {
	names := make([]string, len(t.fields))
	for i, f := range t.fields {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// record reads a row; io.EOF behind the last.
func (t *table) record() ([][]byte, error) {
	fields, err := t.csv.Read()
	if err == nil && len(fields) != len(t.fields) {
		return nil, fmt.Errorf("%w: record %d has %d fields where the header has %d", errExport, t.csv.record, len(fields), len(t.fields))
	}
	return fields, err
}

// count reads to the end.
func (t *table) count() (rows int, err error) {
	for {
		_, err := t.record()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows++
	}
}

// item reads a row as a JSON object.
func (t *table) item() (jsontext.Value, error) {
	record, err := t.record()
	if err != nil {
		return nil, unexpected(err)
	}
	b := append(make([]byte, 0, 1024), `{"id":`...)
	b = appendText(b, t.id(record))
	for i, f := range t.fields {
		if f.kind == ColumnID {
			continue
		}
		b = f.append(append(b, ','), record[i])
	}
	return append(b, '}'), nil
}

// id is the id of a row: its own, or one that is made of its key.
func (t *table) id(record [][]byte) string {
	value := func(name string) string {
		if i, is := t.at[name]; is {
			return string(record[i])
		}
		return ""
	}
	for _, f := range t.fields {
		if f.kind == ColumnID {
			return value(f.name)
		}
	}
	if order := normal(value(t.export.Order)); order != t.order || t.ordinal == nil {
		t.order, t.ordinal = order, map[string]int{}
	}
	key := ""
	for n, group := range t.export.Key {
		key = strconv.Itoa(n)
		whole := true
		for _, name := range group {
			v := value(name)
			whole = whole && v != ""
			key += "\x00" + normal(v)
		}
		if whole || n == len(t.export.Key)-1 {
			break
		}
	}
	t.ordinal[key]++
	return uuid.NewSHA1(exportNamespace, []byte(t.export.Of+"\x00"+key+"\x00"+strconv.Itoa(t.ordinal[key]))).String()
}

// normal writes a time in one form, whatever the zone and precision that it came in: the id of a row must not depend on those.
func normal(text string) string {
	if at, ok := parseTime(text); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return text
}
