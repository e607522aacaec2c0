package fetch

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// Scan says in which order a list is read so that nothing is lost while the world moves. No list of Polar has a cursor,
// and none adds a tie-breaker to its order: rows with equal sort values come in an order that may differ from one
// request to the next (polarsource/polar, server/polar/kit/repository/base.py).
//
// Pages yields the pages from a position on. The sequence ends after a page with Done set, or with an error; the Page
// beside an error carries the position to go on from in Next, and what the attempts cost in Requests. An id may come
// more than once in one scan; that it came at all is for the caller to verify.
//
// A scan whose requests do not follow from the count of its list alone also is an Estimator, for `syncd plan`; one whose
// pages do not tell the count of the whole also is a Counter.
type Scan interface {
	Pages(ctx context.Context, c *Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error]
}

// Cursor is a durable position of a scan, stored as JSON. The zero value is the beginning. It is only meaningful to the
// scan, path and query that it came from.
type Cursor struct {
	Part  int    `json:"part,omitzero"`  // which of several lists the scan is in
	Key   string `json:"key,omitzero"`   // what Part is about, so that it is found again when parts come or go
	Page  int    `json:"page,omitzero"`  // the next page to ask for; 0 = 1
	After string `json:"after,omitzero"` // lower bound, exclusive: RFC 3339 with microseconds, in UTC
	Total int    `json:"total,omitzero"` // total_count seen last, so that a drop is noticed across a restart; of a scan in parts, rows of those that are done with
	// Order is that in which pages were read by number: a page number of another order is another place.
	Order string `json:"order,omitzero"`
	// Tied are rows with equal sort values that were counted and did not come, whatever was tried.
	Tied int `json:"tied,omitzero"`
	// Short are rows that were counted and have not come yet.
	Short int `json:"short,omitzero"`
	// Gone are the ids of parents that the server did not find, in a scan of what belongs to each; separated by blanks.
	Gone string `json:"gone,omitzero"`
}

const (
	defaultLimit = 100 // the most that Polar gives; it silently clamps what is above
	microLayout  = "2006-01-02T15:04:05.000000Z"
)

// bound limits the responses of one scan: a server that repeats itself or counts wrongly must not keep it for ever. It
// follows from the first response, so that a count which grows with each response does not help.
type bound struct{ most, used int }

func (b *bound) exceeded(maxPage int) bool {
	const slack = 100
	if b.most == 0 {
		b.most = 3*max(0, maxPage) + slack
	}
	b.used++
	return b.used > b.most
}

// with returns query with some keys replaced.
func with(query url.Values, key string, values ...string) url.Values {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query[key] = values
	return query
}

func paged(query url.Values, limit, page int) url.Values {
	query = with(query, "limit", strconv.Itoa(or(limit, defaultLimit)))
	query["page"] = []string{strconv.Itoa(max(1, page))}
	return query
}

// broken is an answer that a scan cannot go on from.
func broken(c *Client, path string, p Page, format string, args ...any) error {
	return &Error{
		Op: "read a list", Method: http.MethodGet, Server: c.Server(), Path: path, Query: p.Query, Class: ClassContract,
		Err:    fmt.Errorf(format, args...),
		Remedy: "this syncd may be too old for the API: upgrade it, else report this message",
	}
}

// position is what a scan needs to know of an item.
type position struct {
	id string    // empty if there is none
	at time.Time // zero if the sort value is missing, null, or no time
}

// locate reads id and sort value from a raw item, skipping everything else and stopping as soon as it has both. It does
// not judge the item: what it cannot find is left zero.
func locate(item jsontext.Value, field string) (p position) {
	if item.Kind() != '{' {
		return p
	}
	for quoted, value := range rawjson.Members(item) {
		if p.id != "" && !p.at.IsZero() {
			break
		}
		switch name, err := rawjson.Unquoted(quoted); {
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
