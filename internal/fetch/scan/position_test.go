package scan

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ item, id, at string }{
		{`{"created_at":"2025-01-02T03:04:05.120000Z","id":"a","id":"b"}`, "a", "2025-01-02T03:04:05.120000Z"},
		{`{"items":[{"id":"x"}],"id":"a","customer":{"created_at":"2020-01-01T00:00:00Z"},"created_at":"2025-01-02T03:04:05Z"}`, "a", "2025-01-02T03:04:05.000000Z"},
		{`{"id":"a","created_at":"2025-01-02T05:04:05+02:00"}`, "a", "2025-01-02T03:04:05.000000Z"},
		{`{"id":"a","metadata":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000) + `,"created_at":"2025-01-02T03:04:05Z"}`, "a", "2025-01-02T03:04:05.000000Z"},
		{`{"id":"a","created_at":null}`, "a", ""},
		{`{"id":"a"}`, "a", ""},
		{`{"id":"a","created_at":17}`, "a", ""},
		{`{"id":"a","created_at":"soon"}`, "a", ""},
		{`{"id":null,"created_at":"2025-01-02T03:04:05Z"}`, "", "2025-01-02T03:04:05.000000Z"},
		{`{"id":7,"created_at":"2025-01-02T03:04:05Z"}`, "", "2025-01-02T03:04:05.000000Z"},
		{`{"ID":"a","Created_At":"2025-01-02T03:04:05Z"}`, "", ""},
		{`null`, "", ""}, {`[]`, "", ""}, {`{}`, "", ""}, {`{"id":"a`, "", ""}, {``, "", ""},
	} {
		got := locate(jsontext.Value(test.item), "created_at")
		at := ""
		if !got.at.IsZero() {
			at = got.at.Format(microLayout)
		}
		if got.id != test.id || at != test.at {
			t.Errorf("%s: %q %q", test.item, got.id, at)
		}
	}
}
