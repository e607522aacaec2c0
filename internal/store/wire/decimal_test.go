package wire_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// numbers are what Polar may write, with what Postgres then holds.
var numbers = []struct{ in, postgres string }{
	{"0", "0"},
	{"-0", "0"},
	{"0.0", "0.0"},
	{"25", "25"},
	{"25.0", "25.0"},
	{"-25.50", "-25.50"},
	{"0.500000000000", "0.500000000000"},
	{"1e-7", "0.0000001"},
	{"1E-7", "0.0000001"},
	{"-1.5e-3", "-0.0015"},
	{"1E+3", "1000"},
	{"1.50e1", "15.0"},
	{"0e5", "0"},
	{"10000", "10000"},
	{"100000000", "100000000"},
	{"9007199254740993", "9007199254740993"},
	{"12345678901234567.891", "12345678901234567.891"},
	{"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
	{strings.Repeat("9", 400), strings.Repeat("9", 400)},
	{"-" + strings.Repeat("1234567890", 40), "-" + strings.Repeat("1234567890", 40)},
	{"1e400", "1" + strings.Repeat("0", 400)},
	{"1e131071", "1" + strings.Repeat("0", 131071)},
	{"1e-16383", "0." + strings.Repeat("0", 16382) + "1"},
}

func TestDecimalInPostgres(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for _, n := range numbers {
			d, err := wire.Parse(n.in)
			if err != nil {
				t.Errorf("Parse(%.40s): %v", n.in, err)
				continue
			}
			var text string
			var back wire.Decimal
			if err := conn.QueryRow(ctx, "SELECT $1::numeric::text, $1::numeric", mode, d).Scan(&text, &back); err != nil {
				t.Errorf("%v: %.40s: %v", mode, n.in, err)
				continue
			}
			if text != n.postgres {
				t.Errorf("%v: %.40s is %.60s in Postgres, want %.60s", mode, n.in, text, n.postgres)
			}
			want := n.postgres
			if want == "0.0" && back.String() == "0" {
				want = "0" // pgx leaves out the digits of a zero after the point
			}
			if back.String() != want {
				t.Errorf("%v: %.40s comes back as %.60s, want %.60s", mode, n.in, back, want)
			}
		}
	}
}

func TestDecimalNull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	one, err := wire.Parse("1")
	if err != nil {
		t.Fatal(err)
	}
	var isNull bool
	back := &one
	if err := conn.QueryRow(ctx, "SELECT $1::numeric IS NULL, $1::numeric", (*wire.Decimal)(nil)).Scan(&isNull, &back); err != nil {
		t.Fatal(err)
	}
	if !isNull || back != nil {
		t.Errorf("a nil *Decimal is null: %v, and comes back as %v", isNull, back)
	}
	for _, query := range []string{"SELECT NULL::numeric", "SELECT 'NaN'::numeric", "SELECT 'infinity'::numeric"} {
		if err := conn.QueryRow(ctx, query).Scan(&one); err == nil {
			t.Errorf("%s: scanned into a Decimal as %v", query, one)
		}
	}
}

// Both decoders are in use: the mirror's, and encoding/json wherever a row is printed.
func TestDecimalJSON(t *testing.T) {
	t.Parallel()
	type row struct {
		V *wire.Decimal `json:"v"`
	}
	decoders := map[string]func([]byte, any) error{
		"encoding/json": json.Unmarshal,
		"json v2":       func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
	}
	for name, unmarshal := range decoders {
		for _, n := range numbers {
			for _, in := range []string{n.in, `"` + n.in + `"`} {
				var r row
				if err := unmarshal([]byte(`{"v":`+in+`}`), &r); err != nil {
					t.Errorf("%s: %.40s: %v", name, in, err)
				} else if r.V.String() != n.in {
					t.Errorf("%s: %.40s became %.60s", name, in, r.V)
				}
			}
		}
		for _, in := range []string{`{"v":null}`, `{}`} {
			r := row{}
			if err := unmarshal([]byte(in), &r); err != nil || r.V != nil {
				t.Errorf("%s: %s became %v, %v; want nil", name, in, r.V, err)
			}
		}
		for _, in := range []string{`{"v":true}`, `{"v":{}}`, `{"v":[1]}`, `{"v":""}`, `{"v":"1 "}`, `{"v":"NaN"}`} {
			var r row
			if err := unmarshal([]byte(in), &r); err == nil {
				t.Errorf("%s: %s was taken for %v", name, in, r.V)
			}
		}
		var r row
		if err := unmarshal([]byte(`{"v":"\u0031.5"}`), &r); err != nil || r.V.String() != "1.5" {
			t.Errorf("%s: an escaped digit became %v, %v; want 1.5", name, r.V, err)
		}
	}
	d, err := wire.Parse("0.500")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(row{&d}); err != nil || string(out) != `{"v":0.500}` {
		t.Errorf("marshalled as %s, %v", out, err)
	}
	if out, err := json.Marshal(row{new(wire.Decimal)}); err != nil || string(out) != `{"v":0}` {
		t.Errorf("the zero value marshalled as %s, %v", out, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1e+-1", "1e1.5", "e5", "0x10", "1_000", "1,5", " 1", "1\n", "--1", "1.2.3", "1e5e5", "NaN", "Infinity", "١"} {
		if d, err := wire.Parse(in); err == nil || errors.Is(err, wire.ErrRange) {
			t.Errorf("Parse(%q) = %v, %v; want a syntax error", in, d, err)
		}
	}
	for _, in := range []string{"1e131072", "1e-16384", "0.1e-16383", "1e999999999", "1e-999999999", "1e99999999999999999999", "0e99999999999999999999",
		"1e-9223372036854775808", strings.Repeat("9", 131073), "10e131071"} {
		if d, err := wire.Parse(in); !errors.Is(err, wire.ErrRange) {
			t.Errorf("Parse(%.40q) = %.40v, %v; want ErrRange", in, d, err)
		} else if len(err.Error()) > 120 {
			t.Errorf("Parse(%.40q): the error is %d bytes long", in, len(err.Error()))
		}
	}
}

// FuzzDecimal holds the value against math/big, and what pgx is given against both.
func FuzzDecimal(f *testing.F) {
	for _, n := range numbers {
		if len(n.in) < 50 {
			f.Add(n.in)
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		d, err := wire.Parse(in)
		if json.Valid([]byte(in)) != (err == nil) && !errors.Is(err, wire.ErrRange) && isNumber(in) {
			t.Fatalf("Parse(%q) = %v, but JSON says otherwise", in, err)
		}
		if err != nil || len(d.String()) > 1000 || strings.ContainsAny(in, "eE") && len(in) > 8 {
			return
		}
		want, ok := new(big.Rat).SetString(in)
		if !ok {
			t.Fatalf("%q was parsed, but is no number to math/big", in)
		}
		n, err := d.NumericValue()
		if err != nil {
			t.Fatal(err)
		}
		var back wire.Decimal
		if err := back.ScanNumeric(n); err != nil {
			t.Fatal(err)
		}
		if got, ok := new(big.Rat).SetString(back.String()); !ok || got.Cmp(want) != 0 {
			t.Fatalf("%q went to pgx as %v and came back as %s", in, n, back)
		}
	})
}

// isNumber leaves out what JSON allows besides numbers, and the blanks around them.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789+-.eE") == ""
}

var (
	_ pgtype.NumericValuer  = wire.Decimal{}
	_ pgtype.NumericScanner = (*wire.Decimal)(nil)
)
