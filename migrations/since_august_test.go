package migrations_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// What versions of syncd that did not know the columns kept of them in _extra is in the columns after the migration, and back in
// _extra after its reverse. What does not fit stays, and its row is written anew by the next sweep: its digest differs from any.
func TestColumnsSinceAugustAreFilledFromExtra(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	if _, err := provider.UpTo(t.Context(), 45); err != nil {
		t.Fatal(err)
	}
	const id, other = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	cases := []struct{ table, keys, extra, columns, left string }{
		{"order_items", "order_id, _position", `{"start_timestamp": "2026-10-01T00:00:00.123456Z", "end_timestamp": null, "more": 1}`,
			`{"start_timestamp": "2026-10-01T00:00:00.123456+00:00"}`, `{"more": 1}`},
		{"order_items", "order_id, _position", `{"start_timestamp": "soon", "end_timestamp": "2026-11-01T00:00:00Z"}`,
			`{"end_timestamp": "2026-11-01T00:00:00+00:00"}`, `{"start_timestamp": "soon"}`},
		{"license_keys", "", `{"member_id": "` + id + `", "subscription_id": null, "order_id": "` + other + `"}`,
			`{"member_id": "` + id + `", "order_id": "` + other + `"}`, `{}`},
		{"license_keys", "", `{"member_id": "nobody"}`, `{}`, `{"member_id": "nobody"}`},
		{"product_prices", "product_id, _position", `{"tiers": {"type": "volume", "tiers": [{"bound": null, "unit_amount": "0.10"}]}, "minimum_units": 5, "maximum_units": null, "unit_label": {"en": {"one": "seat"}}}`,
			`{"tiers": {"type": "volume", "tiers": [{"bound": null, "unit_amount": "0.10"}]}, "minimum_units": 5, "unit_label": {"en": {"one": "seat"}}}`, `{}`},
		{"product_prices", "product_id, _position", `{"minimum_units": 1.5, "maximum_units": 9}`, `{"maximum_units": 9}`, `{"minimum_units": 1.5}`},
		{"subscription_prices", "subscription_id, _position", `{"minimum_units": "1", "maximum_units": 123456789012345678}`, `{"maximum_units": 123456789012345678}`, `{"minimum_units": "1"}`},
		{"products", "", `{"is_deletable": false}`, `{"is_deletable": false}`, `{}`},
		{"products", "", `{"is_deletable": "no"}`, `{}`, `{"is_deletable": "no"}`},
		{"checkouts", "", `{"customer_external_id": "ours"}`, `{"customer_external_id": "ours"}`, `{}`},
		{"webhook_endpoints", "", `{"api_version": "2026-10", "uses_standard_webhook_signature": true}`, `{"api_version": "2026-10", "uses_standard_webhook_signature": true}`, `{}`},
	}
	for i, c := range cases {
		columns, values := "id, _hash, _requested_at, _extra", fmt.Sprintf("'%08d-0000-4000-8000-000000000000', 'x', now(), $1", i)
		if c.keys != "" {
			columns, values = columns+", "+c.keys, values+fmt.Sprintf(", '%s', 0", id)
		}
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO "+c.table+" ("+columns+") VALUES ("+values+")", c.extra); err != nil {
			t.Fatalf("%s: %v", c.table, err)
		}
	}
	row := func(i int, what string) string {
		return lines(t, conn, fmt.Sprintf("SELECT (%s)::text FROM %s t WHERE id = '%08d-0000-4000-8000-000000000000'", what, cases[i].table, i))[0]
	}
	same := func(got, want string) bool {
		var a, b any
		return json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(want), &b) == nil && reflect.DeepEqual(a, b)
	}
	up(t, provider)
	for i, c := range cases {
		names := []string{"start_timestamp", "end_timestamp", "member_id", "subscription_id", "order_id", "tiers", "minimum_units", "maximum_units",
			"unit_label", "is_deletable", "customer_external_id", "api_version", "uses_standard_webhook_signature"}
		got := row(i, "SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(to_jsonb(t)) WHERE value <> 'null' AND key = ANY('{"+strings.Join(names, ",")+"}') AND NOT (key IN ('order_id', 'subscription_id') AND '"+c.table+"' <> 'license_keys')")
		if !same(got, c.columns) {
			t.Errorf("%s %s became %s, want %s", c.table, c.extra, got, c.columns)
		}
		if left := row(i, "_extra"); !same(left, c.left) {
			t.Errorf("%s %s left %s, want %s", c.table, c.extra, left, c.left)
		}
		if anew, fits := row(i, "_hash = ''") == "true", same(c.left, `{}`) || same(c.left, `{"more": 1}`); anew == fits {
			t.Errorf("%s %s: to be written anew: %t", c.table, c.extra, anew)
		}
	}
	if _, err := provider.DownTo(t.Context(), 45); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if got := row(i, "jsonb_strip_nulls(_extra) - 'tiers' = jsonb_strip_nulls('"+c.extra+"'::jsonb) - 'tiers' AND (_extra ? 'tiers') = ('"+c.extra+"'::jsonb ? 'tiers')"); got != "true" {
			t.Errorf("%s %s is not back: %s", c.table, c.extra, row(i, "_extra"))
		}
	}
}
