package privatefile

import (
	"os"
	"path/filepath"
	"testing"
)

// What comes to be while the content is made is not overwritten either.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.pdf")
	for i, step := range []struct {
		force bool
		want  string
	}{{false, "0"}, {false, "0"}, {true, "2"}} {
		err := Write(path, []byte{byte('0' + i)}, step.force)
		if got, e := os.ReadFile(path); e != nil || string(got) != step.want || (err != nil) != (i == 1) {
			t.Errorf("%d: %q, %v, %v", i, got, e, err)
		}
	}
}
