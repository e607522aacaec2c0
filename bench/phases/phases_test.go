package phases

import (
	"slices"
	"testing"
	"time"
)

func TestList(t *testing.T) {
	t.Parallel()
	var list List
	if err := list.Set("1x5m,3x10m/1m"); err != nil || !slices.Equal(list, List{{1, 5 * time.Minute, 0}, {3, 10 * time.Minute, time.Minute}}) {
		t.Errorf("%+v, %v", list, err)
	}
	if text := list.String(); text != "1x5m0s,3x10m0s/1m0s" {
		t.Error(text)
	}
	for _, wrong := range []string{"", "3", "0x5m", "3x", "x5m", "3x5m/-1s", "1x5m,", "1x-5m"} {
		if err := list.Set(wrong); err == nil {
			t.Errorf("%q is taken for %+v", wrong, list)
		}
	}
}
