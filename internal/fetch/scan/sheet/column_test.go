package sheet

import (
	"strings"
	"testing"
)

func TestMinorUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"10.0": 1000, "0.9": 90, "19.99": 1999, "-0.05": -5, "1e+16": 1e18, "92233720368547758.07": 1<<63 - 1, "0.0": 0, "-0.0": 0, "1e-2": 1, "7": 700} {
		if got, ok := wholeTimes(text, 100); !ok || got != want {
			t.Errorf("%s: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1,5", "nan", "inf", "1e+17", "92233720368547758.08", "0.001", "1e999999999", ".5", "+1", "0x10", "1_0", " 1"} {
		if got, ok := wholeTimes(text, 100); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestPythonPair(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`('FR61', <TaxIDFormat.eu_vat: 'eu_vat'>)`: "FR61 eu_vat",
		`("O'B", 'x')`:    "O'B x",
		`('a\\b\'', 'x')`: `a\b' x`,
		`('a',)`:          "", `('a`: "", `('a\x00', 'b')`: "", "": "",
	} {
		pair, ok := pythonPair(text)
		if got := strings.TrimSpace(pair[0] + " " + pair[1]); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
}
