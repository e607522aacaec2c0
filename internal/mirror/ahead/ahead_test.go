package ahead

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch/scan"
)

func numbered(n int, each time.Duration, end error) func(context.Context) iter.Seq2[scan.Page, error] {
	return func(ctx context.Context) iter.Seq2[scan.Page, error] {
		return func(yield func(scan.Page, error) bool) {
			for i := range n {
				select {
				case <-time.After(each):
				case <-ctx.Done():
					yield(scan.Page{}, ctx.Err())
					return
				}
				if !yield(scan.Page{Total: i}, nil) {
					return
				}
			}
			if end != nil {
				yield(scan.Page{}, end)
			}
		}
	}
}

func light(scan.Page) int { return 1 }

// Of pages that weigh much one is stored, and one is in the reader's hand.
func TestAheadOfLargePages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read atomic.Int64 // the reader counts while the loop looks
		for pages, err := range Read(t.Context(), 4, nil, func(scan.Page) int { return 1000 }, nil, func(ctx context.Context) iter.Seq2[scan.Page, error] {
			return func(yield func(scan.Page, error) bool) {
				for p, err := range numbered(5, time.Second, nil)(ctx) {
					read.Add(1)
					if !yield(p, err) {
						return
					}
				}
			}
		}) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if on := int(read.Load()) - pages[0].Total; len(pages) != 1 || on > 2 {
				t.Errorf("%d pages at a time, %d are on their way", len(pages), on)
			}
		}
		if n := read.Load(); n != 5 {
			t.Errorf("%d pages", n)
		}
	})
}

func TestAheadOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, boom := time.Now(), errors.New("boom")
		var got []int
		var last error
		for pages, err := range Read(t.Context(), 4, nil, light, nil, numbered(10, time.Second, boom)) {
			if last = err; err == nil {
				got = append(got, len(pages), pages[0].Total)
				time.Sleep(900 * time.Millisecond) // storing it takes a little less
			}
		}
		if !slices.Equal(got, []int{1, 0, 1, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7, 1, 8, 1, 9}) || !errors.Is(last, boom) {
			t.Errorf("%v, %v", got, last)
		}
		if took := time.Since(start); took != 10900*time.Millisecond {
			t.Errorf("took %v: reading and storing do not overlap", took)
		}
	})
}

// One page is worked on, the next is read meanwhile, and no third.
func TestBesideOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, boom := time.Now(), errors.New("boom")
		var read atomic.Int64 // the reader counts while the loop looks
		var got []int
		var last error
		for page, err := range Next(t.Context(), func(ctx context.Context) iter.Seq2[scan.Page, error] {
			return func(yield func(scan.Page, error) bool) {
				for p, err := range numbered(5, time.Second, boom)(ctx) {
					read.Add(1)
					if !yield(p, err) {
						return
					}
				}
			}
		}) {
			if last = err; err == nil {
				got = append(got, page.Total)
				time.Sleep(3 * time.Second)
				if on := int(read.Load()) - page.Total; on > 2 {
					t.Errorf("%d pages are on their way", on)
				}
			}
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4}) || !errors.Is(last, boom) {
			t.Errorf("%v, %v", got, last)
		}
		if took := time.Since(start); took != 16*time.Second {
			t.Errorf("took %v: reading and working do not overlap", took)
		}
	})
}

// Where storing is slow, what is ready is stored together, and no more is read than may be on its way.
func TestAheadGivesAllThatIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		var sizes []int
		var read atomic.Int64 // the reader counts while the loop looks
		for pages, err := range Read(t.Context(), 4, nil, light, nil, func(ctx context.Context) iter.Seq2[scan.Page, error] {
			return func(yield func(scan.Page, error) bool) {
				for p, err := range numbered(12, time.Second, boom)(ctx) {
					read.Add(1)
					if !yield(p, err) {
						return
					}
				}
			}
		}) {
			if err != nil {
				if !errors.Is(err, boom) || read.Load() != 13 {
					t.Errorf("%v after %d", err, read.Load())
				}
				break
			}
			had := pages[0].Total
			for i, p := range pages {
				if p.Total != had+i {
					t.Errorf("page %d after %d", p.Total, had)
				}
			}
			sizes = append(sizes, len(pages))
			time.Sleep(time.Hour)
			if on := int(read.Load()) - had; on > 2*4 {
				t.Errorf("%d pages are on their way", on)
			}
		}
		if !slices.Equal(sizes, []int{1, 4, 2, 4, 1}) {
			t.Errorf("%v pages at a time", sizes)
		}
	})
}

// A reader whose pages are stored slowly uses the room of all, gives it back with each page, and leaves the others theirs.
func TestAheadUsesTheRoomOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom(Each, 5)
		var read atomic.Int64
		for pages, err := range Read(t.Context(), 20, room, light, nil, func(ctx context.Context) iter.Seq2[scan.Page, error] {
			return func(yield func(scan.Page, error) bool) {
				for p, err := range numbered(100, time.Second, nil)(ctx) {
					read.Add(1)
					if !yield(p, err) {
						return
					}
				}
			}
		}) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if on := int(read.Load()) - pages[0].Total; len(pages) > Each+cap(room.spare) || on != min(Each+cap(room.spare)+1, 100-pages[0].Total) {
				t.Errorf("%d pages at a time, %d are on their way", len(pages), on)
			}
			var beside int
			for pages, err := range Read(t.Context(), 20, room, light, nil, numbered(3, time.Second, nil)) {
				if beside += len(pages); err != nil {
					t.Error(err)
				}
			}
			if beside != 3 {
				t.Errorf("%d pages are read beside it", beside)
			}
			if pages[0].Total > 50 {
				break // some are on their way
			}
		}
		if len(room.spare) != 0 {
			t.Errorf("room for %d is not given back", len(room.spare))
		}
	})
}

func TestAheadReportsTheEndOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range Read(ctx, 4, nil, light, nil, numbered(10, time.Hour, nil)) {
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
		for _, err := range Read(t.Context(), 4, nil, light, nil, numbered(10, time.Hour, nil)) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("took %v: the next page was waited for", took)
		}
		for _, err := range Read(t.Context(), 4, nil, light, nil, func(context.Context) iter.Seq2[scan.Page, error] { panic("oops") }) {
			if err == nil || !strings.Contains(err.Error(), "oops") {
				t.Errorf("a panic became %v", err)
			}
		}
	})
}

// Pages for a store that is busy are collected until it is free, or there is no more room.
func TestAheadOfABusyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		time.AfterFunc(3500*time.Millisecond, func() { close(free) })
		var got []int
		for pages, err := range Read(t.Context(), 20, NewRoom(5, 0), light, func() <-chan struct{} { return free }, numbered(12, time.Second, nil)) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, len(pages)); len(got) == 1 {
				free = make(chan struct{})
			}
		}
		if !slices.Equal(got, []int{3, 5, 4}) {
			t.Errorf("%v pages at a time", got)
		}
	})
}
