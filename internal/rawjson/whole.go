package rawjson

import (
	"bytes"
	"strconv"
)

// maxWholeDigits is the most digits of a 64-bit number.
const maxWholeDigits = 19

// WholeNumber returns the plain digits of a JSON number whose value is whole: 4800 for 4800.0, 48e2 and 4800, 0 for -0. A number
// that is not whole, or has more digits than a bigint, comes back unchanged. It moves digits and never calculates, so precision
// is never lost and no exponent is too large.
func WholeNumber(number []byte) []byte {
	digits, negative := bytes.CutPrefix(number, []byte{'-'})
	if plain := !bytes.ContainsAny(digits, ".eE"); plain && digits[0] != '0' || plain && !negative {
		return number // nearly all numbers are
	}
	power := 0
	if at := bytes.IndexAny(digits, "eE"); at >= 0 {
		digits, power = digits[:at], exponent(digits[at+1:])
	}
	whole, fraction, _ := bytes.Cut(digits, []byte{'.'})
	power -= len(fraction)
	digits = bytes.TrimLeft(append(bytes.Clone(whole), fraction...), "0")
	significant := bytes.TrimRight(digits, "0")
	power += len(digits) - len(significant)
	switch {
	case len(significant) == 0:
		return []byte{'0'}
	case power < 0 || len(significant)+power > maxWholeDigits:
		return number
	}
	plain := make([]byte, 0, 1+maxWholeDigits)
	if negative {
		plain = append(plain, '-')
	}
	return append(append(plain, significant...), bytes.Repeat([]byte{'0'}, power)...)
}

// exponent reads what follows the e of a number. All exponents larger than any number of digits in memory have the same effect.
func exponent(text []byte) int {
	const huge = 1 << 40
	text, negative := bytes.CutPrefix(bytes.TrimPrefix(text, []byte{'+'}), []byte{'-'})
	text = bytes.TrimLeft(text, "0")
	n := huge
	if len(text) < len("1099511627776") {
		n, _ = strconv.Atoi("0" + string(text)) // of digits only
	}
	if negative {
		return -n
	}
	return n
}
