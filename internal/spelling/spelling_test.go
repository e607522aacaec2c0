package spelling_test

import (
	"testing"

	"syncd/internal/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"orders", "customers", "customer_meters", "metrics", "meters"}
	for in, want := range map[string]string{"order": "orders", "Costumers": "customers", "customer_m": "customer_meters", "metric": "metrics", "zzzzzz": "", "": ""} {
		if got := spelling.Nearest(in, names); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestIsTypo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"POLAR_ACCES_TOKEN", "POLAR_ACCESS_TOKEN", true}, {"POLAR_ACCESS_TOEKN", "POLAR_ACCESS_TOKEN", true},
		{"POLAR_WEBHOOK_SECRET", "POLAR_ACCESS_TOKEN", false}, {"POLAR", "POLAR_SERVER", false},
	} {
		if spelling.IsTypo(tc.a, tc.b) != tc.want || spelling.IsTypo(tc.b, tc.a) != tc.want {
			t.Errorf("%s and %s: want %v", tc.a, tc.b, tc.want)
		}
	}
}
