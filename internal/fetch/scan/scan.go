package scan

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/rawjson"
)

// Scan says in which order a list is read so that nothing is lost while rows come and go. No list of Polar has a cursor, and none
// adds a tie-breaker to its order: rows with equal sort values come in an order that may differ from one request to the next
// (polarsource/polar, server/polar/kit/repository/base.py).
//
// Pages yields the pages from a position on. The sequence ends after a page with Done set, or with an error. The Page of an error
// carries the position to go on from in Next, and the cost of the attempts in Requests. An id may come more than once in one
// scan; the caller verifies that every id came.
//
// A scan whose number of requests does not follow from the count of its list is also an Estimator, for `syncd plan`. A scan whose
// pages do not tell the count of the whole list is also a Counter.
type Scan interface {
	Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error]
}

// Page is one step of a scan: the rows that it brought, and where the scan stands then. The TotalCount falls from page to page
// where a scan narrows its query as it goes (Keyset).
type Page struct {
	fetch.Page
	// Total is how many items the scan should bring in all, from where it started: for progress. It is an estimate, and -1 where
	// there is none.
	Total int
	// Whole is how many different rows a complete scan brings, by the count that came with this page. It is -1 where a page
	// cannot tell, because its query is narrower than the scan: see Counter.
	Whole int
	Next  Cursor // where the scan goes on after this page; with an error: where it failed
	Done  bool   // the scan ends with this page
}

// bare wraps an answer to which the scan has added nothing yet.
func bare(p fetch.Page) Page { return Page{Page: p, Total: -1, Whole: -1} }

// unread is the Page of an error for which nothing came.
func unread(query url.Values, requests int, next Cursor) Page {
	return Page{Page: fetch.Page{Query: query, TotalCount: -1, Requests: requests}, Total: -1, Whole: -1, Next: next}
}

// pageRows is how many items of an answer without pages go into one Page: that bounds the memory.
const pageRows = 1000

// yieldRows yields the rows of an answer without pages, as pages like p. Only the first has cost requests. finish completes the
// last one, which may have no rows.
func yieldRows(p Page, rows iter.Seq2[jsontext.Value, error], yield func(Page, error) bool, finish func(last *Page)) (goOn bool) {
	for row, err := range rows {
		if err != nil {
			yield(unread(p.Query, p.Requests, p.Next), err)
			return false
		}
		if len(p.Items) == pageRows {
			if !yield(p, nil) {
				return false
			}
			p.Items, p.Requests = nil, 0
		}
		p.Items = append(p.Items, row)
	}
	finish(&p)
	return yield(p, nil)
}

// salvage reads one page of a list, around its rows that cannot be rendered.
func salvage(ctx context.Context, c *fetch.Client, path string, query url.Values) (Page, error) {
	p, err := c.SalvagePage(ctx, path, query)
	return bare(p), err
}

// readBody reads one body that is not a page of a list.
func readBody(ctx context.Context, c *fetch.Client, path string, query url.Values, take func(body []byte) error) (Page, error) {
	p, err := c.ReadBody(ctx, path, query, take)
	return bare(p), err
}

// Cursor is a durable position of a scan, stored as JSON. The zero value is the beginning. It is valid only for the scan, path
// and query that it came from.
type Cursor struct {
	Part  int    `json:"part,omitzero"`  // which of several lists the scan is in
	Key   string `json:"key,omitzero"`   // identifies the part, so that it is found again when parts come or go
	Page  int    `json:"page,omitzero"`  // the next page to request; 0 = 1
	After string `json:"after,omitzero"` // lower bound, exclusive: RFC 3339 with microseconds, in UTC
	Total int    `json:"total,omitzero"` // the latest total_count, so that a drop is noticed across a restart; in a scan of parts, the rows of finished parts
	// Order is the order of the pages that Page counts: in another order the number is another place.
	Order string `json:"order,omitzero"`
	// Tied is how many rows with equal sort values were counted and did not come, by any request.
	Tied int `json:"tied,omitzero"`
	// Short is how many rows were counted and have not come yet.
	Short int `json:"short,omitzero"`
	// Gone are the ids of parents that the server did not find, in a scan of their children; separated by blanks.
	Gone string `json:"gone,omitzero"`
}

const microLayout = "2006-01-02T15:04:05.000000Z"

// bound limits the responses of one scan: a server that repeats itself or counts wrongly must not keep it busy for ever. The
// limit follows from the first response, so a count that grows with each response does not raise it.
type bound struct{ most, used int }

func (b *bound) exceeded(maxPage int) bool {
	const slack = 100
	if b.most == 0 {
		b.most = 3*max(0, maxPage) + slack
	}
	b.used++
	return b.used > b.most
}

// broken is the error for an answer that a scan cannot go on from.
func broken(c *fetch.Client, path string, query url.Values, format string, args ...any) error {
	return &fetch.Error{
		Op: "read a list", Method: http.MethodGet, Server: c.Server(), Path: path, Query: query, Class: fetch.ClassContract,
		Err:    fmt.Errorf(format, args...),
		Remedy: "this syncd may be too old for the API: upgrade it, else report this message",
	}
}

// position is what a scan needs to know about an item.
type position struct {
	id string    // empty if there is none
	at time.Time // zero if the sort value is missing, null, or no time
}

// locate reads id and sort value from a raw item, skips everything else, and stops as soon as it has both. It does not judge the
// item: what it cannot find stays zero.
func locate(item jsontext.Value, field string) (p position) {
	if item.Kind() != '{' {
		return p
	}
	for quoted, value := range rawjson.Members(item) {
		if p.id != "" && !p.at.IsZero() {
			break
		}
		switch name, err := rawjson.Unquote(quoted); {
		case err != nil:
		case string(name) == "id" && p.id == "":
			p.id = rawjson.Text(value)
		case string(name) == field && p.at.IsZero():
			if at, err := time.Parse(time.RFC3339Nano, rawjson.Text(value)); err == nil {
				p.at = at.UTC()
			}
		}
	}
	return p
}
