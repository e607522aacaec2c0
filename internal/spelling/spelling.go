// Package spelling finds the name that somebody meant who mistyped it.
package spelling

import "strings"

// Nearest returns the name that was probably meant, among names in lower case; "" when none is close.
func Nearest(name string, among []string) string {
	best, least := "", len(name)/2+1
	for _, n := range among {
		d := distance(strings.ToLower(name), n)
		if strings.HasPrefix(n, strings.ToLower(name)) && name != "" {
			d = min(d, 1)
		}
		if d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// IsTypo tells a typing error from another word: at most two letters differ, comparing from the beginning and from the end.
func IsTypo(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 2 {
		return false
	}
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	for head := same; same < len(a) && a[head+len(a)-same-1] == b[head+len(b)-same-1]; {
		same++
	}
	return len(b)-same <= 2
}
