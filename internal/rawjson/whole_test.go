package rawjson

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	million := strings.Repeat("0", 1_000_000)
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "4800": "4800", "-4800": "-4800",
		"4800.0": "4800", "-4800.000": "-4800", "48e2": "4800", "48E+2": "4800", "4.8e3": "4800", "480000e-2": "4800", "-0.0": "0", "0e5": "0", "-0.0E-7": "0",
		"9223372036854775807.0": "9223372036854775807", "-9223372036854775808.0": "-9223372036854775808", "9007199254740993.0": "9007199254740993",
		"0e99999999999999999999": "0", "1" + million + "e-1000000": "1", "0." + million + "1e1000001": "1", "5." + million: "5",
		"1e" + million + "2": "100",
		// What is no whole number of 64 bits stays as it is.
		"4800.5": "4800.5", "1e-1": "1e-1", "1e400000": "1e400000", "1e99999999999999999999": "1e99999999999999999999", "-1e-99999999999999999999": "-1e-99999999999999999999",
		"1e19": "1e19", "99999999999999999999": "99999999999999999999", "99999999999999999999.0": "99999999999999999999.0", "9223372036854775807.5": "9223372036854775807.5",
	} {
		if got := string(WholeNumber([]byte(in))); got != want {
			t.Errorf("%.40s became %.40s, want %.40s", in, got, want)
		}
	}
	in := []byte("-4800.0")
	if WholeNumber(in); string(in) != "-4800.0" {
		t.Errorf("the number itself was changed into %s", in)
	}
}

// FuzzWhole holds it against math/big: what is plain digits afterwards has the value of the number, and what is a whole
// number of 64 bits becomes plain digits.
func FuzzWhole(f *testing.F) {
	for _, s := range []string{"0", "-0", "4800.0", "48e2", "-0.0", "4800.5", "1e-1", "1.50e1", "10e-1", "9223372036854775808.0", "1e18", "1e19", "0e99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 100 || !json.Valid([]byte(in)) || strings.Trim(in, " \t\r\n") != in || jsontext.Value(in).Kind() != '0' {
			return
		}
		got := string(WholeNumber([]byte(in)))
		if _, power, has := strings.Cut(strings.ToLower(in), "e"); has {
			if n, err := strconv.Atoi(power); err != nil || n > 1000 || n < -1000 {
				return
			}
		}
		value, _ := new(big.Rat).SetString(in)
		n, err := strconv.ParseInt(got, 10, 64)
		switch {
		case err == nil && value.Cmp(new(big.Rat).SetInt64(n)) != 0:
			t.Errorf("%s became %s", in, got)
		case err != nil && value.IsInt() && value.Num().IsInt64():
			t.Errorf("%s stayed %s", in, got)
		case err != nil && got != in && value.IsInt() && value.Num().String() != got:
			t.Errorf("%s became %s", in, got)
		}
	})
}
