package daemon

import (
	"fmt"
	"testing"
)

// A thousand organizations are spread over their interval: no twentieth of it has many more than another.
func TestOrganizationsAreSpread(t *testing.T) {
	t.Parallel()
	var parts [20]int
	for n := range 1000 {
		at := OffsetOf(fmt.Sprintf("org_%04d", n))
		if at <= 0 || at > 1 {
			t.Fatalf("offset %v", at)
		}
		parts[min(19, int(at*20))]++
	}
	for i, n := range parts {
		if n < 25 || n > 80 {
			t.Errorf("%d of 1000 are in part %d of 20", n, i)
		}
	}
}
