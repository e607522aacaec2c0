// Package wire holds the values that read from JSON as Polar writes them and go
// to Postgres unchanged.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// What a Postgres numeric without declared precision can hold: digits before
// and after the decimal point. Source: PostgreSQL documentation, "Numeric Types".
const (
	maxWhole    = 131072
	maxFraction = 16383
)

// ErrRange is returned for a number that Postgres cannot hold as numeric.
var ErrRange = errors.New("number out of range for numeric")

// Decimal is a decimal number with the digits it was written with: 0.500 stays
// 0.500, and a value never passes through a binary fraction. Polar writes
// quantities as JSON numbers and unit prices as JSON strings, either with an
// exponent now and then ("1E-7"); Decimal reads both. The zero value is 0.
type Decimal struct{ text string }

// Parse reads a number in the grammar of JSON numbers. It fails with ErrRange
// where Postgres could not hold the number.
func Parse(s string) (Decimal, error) {
	if _, _, err := split(s); err != nil {
		return Decimal{}, err
	}
	return Decimal{s}, nil
}

// String gives the digits as they were written.
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// Equal says whether both are written with the same digits; 1.0 and 1.00 are not.
func (d Decimal) Equal(o Decimal) bool { return d.String() == o.String() }

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number, or a JSON string that holds one. As
// elsewhere in Go null changes nothing; a *Decimal becomes nil.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	s := string(data)
	if s == "null" {
		return nil
	}
	if s != "" && s[0] == '"' {
		if err := json.Unmarshal(data, &s); err != nil {
			return fmt.Errorf("decode decimal: %w", err)
		}
	}
	v, err := Parse(s)
	if err != nil {
		return fmt.Errorf("decode decimal: %w", err)
	}
	*d = v
	return nil
}

// NumericValue gives pgx the exact value, with as many digits after the point as were written.
func (d Decimal) NumericValue() (pgtype.Numeric, error) {
	digits, exp, err := split(d.String())
	if err != nil {
		return pgtype.Numeric{}, err
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return pgtype.Numeric{}, fmt.Errorf("no decimal digits: %q", digits)
	}
	return pgtype.Numeric{Int: n, Exp: int32(exp), Valid: true}, nil
}

// ScanNumeric takes a value that pgx read: plain digits, without an exponent,
// as many after the point as Postgres holds (pgx gives zero without any).
// NULL is for a *Decimal; NaN and infinity, which JSON does not know, are refused.
func (d *Decimal) ScanNumeric(n pgtype.Numeric) error {
	switch {
	case !n.Valid:
		return errors.New("cannot scan NULL into a Decimal")
	case n.NaN || n.InfinityModifier != pgtype.Finite:
		return errors.New("cannot scan NaN or infinity into a Decimal")
	}
	digits, sign := n.Int.String(), ""
	if n.Int.Sign() < 0 {
		digits, sign = digits[1:], "-"
	}
	if n.Exp >= 0 {
		if n.Int.Sign() != 0 {
			digits += strings.Repeat("0", int(n.Exp))
		}
		d.text = sign + digits
		return nil
	}
	scale := int(-n.Exp)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	d.text = sign + digits[:point] + "." + digits[point:]
	return nil
}

// split checks s and takes it apart: its value is digits, an integer with its
// sign, times ten to the power of exp.
func split(s string) (digits string, exp int, err error) {
	rest, sign := strings.TrimPrefix(s, "-"), ""
	if len(rest) < len(s) {
		sign = "-"
	}
	mantissa, power := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, power = rest[:i], rest[i+1:]
		unsigned := strings.TrimLeft(power, "+-")
		if len(power)-len(unsigned) > 1 || !allDigits(unsigned) {
			return "", 0, fmt.Errorf("not a decimal number: %s", quote(s))
		}
		if exp, err = strconv.Atoi(power); err != nil {
			return "", 0, fmt.Errorf("%w: %s", ErrRange, quote(s))
		}
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !allDigits(whole) || len(whole) > 1 && whole[0] == '0' || point && !allDigits(fraction) {
		return "", 0, fmt.Errorf("not a decimal number: %s", quote(s))
	}
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		digits = "0"
	}
	// The bounds keep the sum below small: exp alone may be anything.
	if exp > maxWhole || exp < -maxFraction || exp-len(fraction) < -maxFraction || len(digits)+exp-len(fraction) > maxWhole {
		return "", 0, fmt.Errorf("%w: %s", ErrRange, quote(s))
	}
	return sign + digits, exp - len(fraction), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// quote keeps an error message short whatever came.
func quote(s string) string {
	if len(s) > 40 {
		return strconv.Quote(s[:40]) + "..."
	}
	return strconv.Quote(s)
}
