package terminal_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/terminal"
)

// What is waited for is said after two seconds without an answer, and from then on each new thing at once.
func TestWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // a bubble orders goroutines by time, which is no order to the race detector
		var said []string
		w := terminal.NewWaiting(func(what string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, what)
		})
		defer w.Close()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(said, want) {
				t.Errorf("said %q, want %q", said, want)
			}
		}
		over := w.Begin("asking")
		time.Sleep(1900 * time.Millisecond)
		over(true)
		time.Sleep(time.Minute)
		expect()

		over = w.Begin("asking")
		other := w.Begin("asking for more")
		time.Sleep(time.Second)
		over(true)
		time.Sleep(1900 * time.Millisecond)
		expect()
		time.Sleep(200 * time.Millisecond) // the other one still waits
		expect("asking for more")
		other(false)
		other = w.Begin("asking for more") // which has been said
		other(false)
		other = w.Begin("attempt 2")
		expect("asking for more", "attempt 2")
		other(false)
		other = w.Begin("asking for more") // again, in turns
		other(true)
		time.Sleep(time.Minute)
		over = w.Begin("attempt 2")
		time.Sleep(3 * time.Second)
		expect("asking for more", "attempt 2", "attempt 2")
		over(true)
		w.Begin("the end")
		w.Close()
		time.Sleep(time.Minute)
		expect("asking for more", "attempt 2", "attempt 2")
	})
}
