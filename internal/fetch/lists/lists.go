// Package lists knows what all lists of Polar's API have in common: how a query names a page and an order, and what tells one
// item from another. It sends nothing.
//
// WithParameter, Paged, Unpaged and Reversed make the query of a page. ID and SortValues tell which item of the answer is which.
// A scan compares those of two pages; so an item that moved between two requests is recognized.
package lists

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// MaxLimit is the most rows that Polar puts on a page. It reduces a larger limit without an error.
const MaxLimit = 100

// WithParameter returns the query with the values of one key replaced. The caller's map is not changed.
func WithParameter(query url.Values, key string, values ...string) url.Values {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query[key] = values
	return query
}

// Paged returns the query for one page of a list. A limit of 0 means MaxLimit; a page below 1 means the first.
func Paged(query url.Values, limit, page int) url.Values {
	query = WithParameter(query, "limit", strconv.Itoa(cmp.Or(limit, MaxLimit)))
	query["page"] = []string{strconv.Itoa(max(1, page))}
	return query
}

// Unpaged returns the query without page and limit.
func Unpaged(query url.Values) url.Values {
	query = WithParameter(query, "page")
	delete(query, "page")
	delete(query, "limit")
	return query
}

// Reversed returns the query for the same list in reverse order; nil where the list cannot be sorted.
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

// ID is the id of an item; "" if it has no id that is a string.
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

// Texts are the different strings that items have in a field at their top level, sorted.
func Texts(items iter.Seq[jsontext.Value], field string) (texts []string) {
	for item := range items {
		text, err := jsontext.AppendUnquote(nil, bytes.Trim(SortValues(item, []string{field}), " "))
		if err == nil && len(text) > 0 {
			texts = append(texts, string(text))
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// SortValues are the values that the list is sorted by, as they stand in the item. A criterion that is no field of the item
// (customer_name) counts as equal everywhere: a tie too many costs a request, one too few loses a row.
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
