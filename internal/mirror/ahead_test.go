package mirror

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch"
)

func numbered(n int, each time.Duration, end error) func(context.Context) iter.Seq2[fetch.Page, error] {
	return func(ctx context.Context) iter.Seq2[fetch.Page, error] {
		return func(yield func(fetch.Page, error) bool) {
			for i := range n {
				select {
				case <-time.After(each):
				case <-ctx.Done():
					yield(fetch.Page{}, ctx.Err())
					return
				}
				if !yield(fetch.Page{Total: i}, nil) {
					return
				}
			}
			if end != nil {
				yield(fetch.Page{}, end)
			}
		}
	}
}

func TestAheadOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, boom := time.Now(), errors.New("boom")
		var got []int
		var last error
		for p, err := range ahead(t.Context(), numbered(10, time.Second, boom)) {
			if last = err; err == nil {
				got = append(got, p.Total)
				time.Sleep(time.Second) // storing it takes as long
			}
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) || !errors.Is(last, boom) {
			t.Errorf("%v, %v", got, last)
		}
		if took := time.Since(start); took != 11*time.Second {
			t.Errorf("took %v: reading and storing do not overlap", took)
		}
	})
}

func TestAheadReportsTheEndOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range ahead(ctx, numbered(10, time.Hour, nil)) {
			if last = err; err == nil {
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("the loop ended with %v", last)
		}
	})
}

func TestAheadStopsWithTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		start := time.Now()
		for _, err := range ahead(t.Context(), numbered(10, time.Hour, nil)) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("took %v: the next page was waited for", took)
		}
		for _, err := range ahead(t.Context(), func(context.Context) iter.Seq2[fetch.Page, error] { panic("oops") }) {
			if err == nil || !strings.Contains(err.Error(), "oops") {
				t.Errorf("a panic became %v", err)
			}
		}
	})
}
