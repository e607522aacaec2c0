package lists

import (
	"net/url"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// No function changes the query that it is given.
func TestQueries(t *testing.T) {
	t.Parallel()
	query := url.Values{"sorting": {"-created_at", "name"}, "page": {"7"}}
	before := query.Encode()
	for want, got := range map[string]url.Values{
		"limit=100&page=1&sorting=-created_at&sorting=name": Paged(query, 0, 0),
		"limit=5&page=3&sorting=-created_at&sorting=name":   Paged(query, 5, 3),
		"sorting=-created_at&sorting=name":                  Unpaged(query),
		"page=7&sorting=created_at&sorting=-name":           Reversed(query),
		"page=7&sorting=a":                                  WithParameter(query, "sorting", "a"),
		"a=b":                                               WithParameter(nil, "a", "b"),
	} {
		if got.Encode() != want {
			t.Errorf("%s, want %s", got.Encode(), want)
		}
	}
	if query.Encode() != before {
		t.Errorf("the query was changed: %s", query.Encode())
	}
	if Reversed(url.Values{"page": {"1"}}) != nil {
		t.Error("a list without an order was reversed")
	}
}

func TestItems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ item, id, values string }{
		{`{"id":"a","at":"x","n":1.0}`, "a", `"x",1.0`},
		{`{"n":{"id":"b"},"id":"a","\u0061t":[1, 2]}`, "a", `[1, 2],{"id":"b"}`},
		{`{"id":7,"at":1,"id":"a","at":2}`, "a", `2,`},
		{`{"ID":"a","customer":{"at":1}}`, "", `,`},
		{`[]`, "", `,`}, {`null`, "", `,`}, {``, "", `,`}, {`{"id":"a`, "", `,`},
	} {
		item := jsontext.Value(test.item)
		if id := ID(item); id != test.id {
			t.Errorf("%s: id %q", test.item, id)
		}
		if values := SortValues(item, []string{"-at", "n"}); string(values) != test.values {
			t.Errorf("%s: values %s", test.item, values)
		}
	}
}
