package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/fetch/scan/sheet"
)

// Export reads a list as a CSV file, in one request. Its items are JSON objects with the fields of Columns; see sheet.Column for
// the form of each. A column of the file that Columns does not name becomes a field named by its header. A column that the file
// lacks is missing from the items.
//
// The file is proved whole before its first row is yielded: Polar sends status 200 and the header before it reads the rows, so a
// query that fails shows as a file that ends early (polarsource/polar, server/polar/kit/csv.py). A file is whole if it ends with
// a line break, each of its records has as many fields as the header, and it has no fewer rows than the list counts. Rows come
// and go, so the list is counted before and after, and the lower count decides.
//
// A scan starts at the beginning, whatever the Cursor: another export is another state of the list.
type Export struct {
	Of      string         // path of the list that counts the rows: /v1/orders/
	Columns []sheet.Column // the known columns
	// Choose are values of the query parameter columns; empty where the export has no such parameter. A server that does not know
	// all of them refuses the request. The scan then takes its default columns.
	Choose []string
	// Key names the fields that identify a row. The id of an item is a UUID made of the first group whose fields all have a
	// value, and of the row's place among rows with equal values. A field of kind sheet.ID is the id itself.
	Key [][]string
	// Order is the field that the file is sorted by. Rows with equal keys have equal values of it, so they are adjacent.
	Order string
}

const (
	// exportCap is the most rows of orders and subscriptions that Polar exports (server/polar/order/export.py).
	exportCap = 1_000_000
	// exportCounts bounds how often an export is read that has fewer rows than the list counts.
	exportCounts = 3
)

// shape is what the file should have, and what identifies its rows.
func (e Export) shape() sheet.Shape {
	return sheet.Shape{Of: e.Of, Columns: e.Columns, Key: e.Key, Order: e.Order}
}

// Pages implements Scan.
func (e Export) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		file, rows, requests, err := e.fetch(ctx, c, path, query)
		if err != nil {
			yield(unread(query, requests, from), err)
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		t := sheet.New(file, e.shape())
		if err := t.ReadHeader(); err != nil { // spool has read it before
			yield(unread(file.Query, 0, from), exportError(c, path, file.Query, err))
			return
		}
		p := Page{Page: fetch.Page{Query: file.Query, TotalCount: rows, MaxPage: 1, RequestedAt: file.RequestedAt, Requests: requests}, Total: rows, Whole: rows}
		yieldRows(p, func(yield func(jsontext.Value, error) bool) {
			for range rows {
				item, err := t.ReadItem()
				if err != nil {
					err = exportError(c, path, file.Query, err)
				}
				if !yield(item, err) {
					return
				}
			}
		}, yield, func(last *Page) { last.Done = true })
	}
}

func exportError(c *fetch.Client, path string, query url.Values, err error) error {
	return &fetch.Error{Op: "read an export", Method: http.MethodGet, Server: c.Server(), Path: path, Query: query, Class: fetch.ClassTransient,
		Err: err, Remedy: "try again later"}
}

// fetch returns a file that is whole, and the number of its rows.
func (e Export) fetch(ctx context.Context, c *fetch.Client, path string, query url.Values) (file *fetch.Spool, rows, requests int, err error) {
	asked := query
	if len(e.Choose) > 0 {
		asked = lists.WithParameter(query, "columns", e.Choose...)
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
		short := fmt.Errorf("%w: %d rows, where the list counts %d: it was cut short", sheet.ErrBroken, rows, min(before.Total, after.Total))
		if rows == exportCap {
			short = fmt.Errorf("%w: Polar's exports end after %d rows, the list counts %d", sheet.ErrBroken, rows, after.Total)
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
		t := sheet.New(r, e.shape())
		if err := t.ReadHeader(); err != nil {
			return err
		}
		rows, err = t.CountRows()
		return err
	})
	return file, rows, err
}
