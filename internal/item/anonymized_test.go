package item_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/item"
)

func TestAnonymized(t *testing.T) {
	t.Parallel()
	const one, two = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	customer := func(id, deleted, key string) string {
		return `{"id":"` + id + `","email":"x","deleted_at":` + deleted + `,"metadata":{"a":{},"` + key + `":"2026-01-01T00:00:00Z"}}`
	}
	for text, want := range map[string]int{
		`{"id":"` + two + `","customer":` + customer(one, `"2026-01-01T00:00:00Z"`, "__anonymized_at") + `}`:        1,
		`[` + customer(one, `"x"`, "__anonymized_at") + `,{"a":[` + customer(two, `"x"`, "__anonymized_at") + `]}]`: 2,
		customer(one, "null", "__anonymized_at"):   0, // the organization's own key
		customer(one, `"x"`, "anonymized_at"):      0,
		`{"name":"__anonymized_at"}`:               0,
		`{"metadata":"__anonymized_at","id":null}`: 0,
	} {
		if got := item.Anonymized(jsontext.Value(text)); len(got) != want || want > 0 && got[0].String() != one {
			t.Errorf("%s: %v", text, got)
		}
	}
}
