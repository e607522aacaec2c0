package daemon

import (
	"testing"
	"time"

	"syncd/internal/fetch"
)

// What is refused is asked for once a minute; what is away sooner at first.
func TestAskAfter(t *testing.T) {
	t.Parallel()
	refused, away := &fetch.Error{Class: fetch.ClassAuth}, &fetch.Error{Class: fetch.ClassTransient}
	if d := askAfter(refused, 1); d != time.Minute {
		t.Errorf("refused: %v", d)
	}
	for asked, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: time.Minute, 1000: time.Minute} {
		if d := askAfter(away, asked); d != want {
			t.Errorf("away, %d: %v, want %v", asked, d, want)
		}
	}
}
