// Package lists knows what all lists of Polar's API have in common: how a query names a page and an order, and what tells
// one item from another. It sends nothing.
package lists

import (
	"bytes"
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// MaxLimit is the most rows that Polar gives on a page. It clamps a larger limit without a word.
const MaxLimit = 100

// WithParameter is the query with the values of one key replaced. The caller's map stays as it is.
func WithParameter(query url.Values, key string, values ...string) url.Values {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query[key] = values
	return query
}

// Paged is the query for one page of a list. A limit of 0 is MaxLimit; a page below 1 is the first.
func Paged(query url.Values, limit, page int) url.Values {
	query = WithParameter(query, "limit", strconv.Itoa(cmp.Or(limit, MaxLimit)))
	query["page"] = []string{strconv.Itoa(max(1, page))}
	return query
}

// Unpaged is the query for the list that a page belongs to.
func Unpaged(query url.Values) url.Values {
	query = WithParameter(query, "page")
	delete(query, "page")
	delete(query, "limit")
	return query
}

// Reversed is the query for the same list the other way round; nil where the list cannot be sorted.
func Reversed(query url.Values) url.Values {
	if len(query["sorting"]) == 0 {
		return nil
	}
	sorting := slices.Clone(query["sorting"])
	for i, s := range sorting {
		if name, falling := strings.CutPrefix(s, "-"); falling {
			sorting[i] = name
		} else {
			sorting[i] = "-" + s
		}
	}
	return WithParameter(query, "sorting", sorting...)
}

// ID is the id of an item; "" if it has none that is a text.
func ID(item jsontext.Value) string {
	if item.Kind() != '{' {
		return ""
	}
	for quoted, value := range rawjson.Members(item) {
		if name, err := rawjson.Unquote(quoted); err == nil && string(name) == "id" {
			if id := rawjson.Text(value); id != "" {
				return id
			}
		}
	}
	return ""
}

// SortValues are the values that the criteria sort by, as they stand in the item. A criterion that is no field of the
// item (customer_name) counts as equal everywhere: a tie too many costs a request, one too few loses a row.
func SortValues(item jsontext.Value, sort []string) []byte {
	found := make([][]byte, len(sort))
	if item.Kind() == '{' {
		for quoted, value := range rawjson.Members(item) {
			name, err := rawjson.Unquote(quoted)
			if err != nil {
				break
			}
			if at := slices.IndexFunc(sort, func(s string) bool { return strings.TrimPrefix(s, "-") == string(name) }); at >= 0 {
				found[at] = value
			}
		}
	}
	return bytes.Join(found, []byte{','})
}
