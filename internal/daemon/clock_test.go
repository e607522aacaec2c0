package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/store/pg"
)

// askedClock is a clock of the database for tests: it shows the time of the bubble and offset, or hangs until it is given up.
type askedClock struct {
	offset time.Duration
	hangs  bool
	asked  int
}

func (a *askedClock) now(ctx context.Context) (time.Time, error) {
	a.asked++
	if a.hangs {
		<-ctx.Done()
		return time.Time{}, ctx.Err()
	}
	return time.Now().Add(a.offset), nil
}

// A database that hangs keeps one caller for a second, no other meanwhile, and nobody for a while after that.
func TestClockOfADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		database := &askedClock{hangs: true}
		c := NewDatabaseClock(t.Context(), began, database.now)
		time.Sleep(clockLasts)
		kept := make(chan time.Duration, 1)
		go func() {
			from := time.Now()
			c.Now()
			kept <- time.Since(from)
		}()
		synctest.Wait()
		if from := time.Now(); !c.Now().Equal(began.Add(clockLasts)) || time.Since(from) != 0 {
			t.Errorf("another caller waits %v", time.Since(from))
		}
		if d := <-kept; d != clockWait {
			t.Errorf("the caller that asks is kept for %v", d)
		}
		// Each further failure lengthens the pause: an hour of a caller each second.
		from, waited := time.Now(), time.Duration(0)
		for time.Since(from) < time.Hour {
			before := time.Now()
			c.Now()
			waited += time.Since(before)
			time.Sleep(time.Second)
		}
		if waited > 20*clockWait {
			t.Errorf("callers were kept for %v of an hour", waited)
		}
		database.hangs, database.offset = false, time.Second
		time.Sleep(clockMost)
		if at := c.Now(); !at.Equal(time.Now().Add(time.Second)) {
			t.Errorf("%v after the database answers again, want %v", at, time.Now().Add(time.Second))
		}
	})
}

// What callers are shown never goes back by what the clocks of hosts differ. A clock that somebody sets back is followed.
func TestClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		database := &askedClock{}
		c := NewDatabaseClock(t.Context(), time.Now(), database.now)
		last := c.Now()
		for n := range 100 {
			database.offset = -time.Duration(n%7) * 5 * time.Second
			time.Sleep(3 * time.Second)
			at := c.Now()
			if at.Before(last) {
				t.Fatalf("the clock goes back from %v to %v", last, at)
			}
			last = at
		}
		if database.asked > 40 {
			t.Errorf("the database was asked %d times in 300 s", database.asked)
		}
		database.offset = -time.Hour
		time.Sleep(2 * clockLasts)
		if at := c.Now(); !at.Equal(time.Now().Add(-time.Hour)) {
			t.Errorf("the clock was set back to %v and shows %v", time.Now().Add(-time.Hour), at)
		}
	})
}

// The first signal, which ends the context of the start, does not stop the clock.
func TestClockOutlivesTheStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var got error
	c := NewDatabaseClock(ctx, time.Now(), func(ctx context.Context) (time.Time, error) {
		got = ctx.Err()
		return time.Now(), nil
	})
	cancel()
	c.next = time.Now()
	if c.Now(); errors.Is(got, context.Canceled) {
		t.Error("the database is not asked after the signal")
	}
}

// A database that is away is asked again after growing pauses; what waiting does not heal is returned at once.
func TestAwaitDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lasting := errors.New("permission denied")
		began, asked, away := time.Now(), []time.Duration{}, 0
		pause := func(_ context.Context, d time.Duration) { time.Sleep(d) }
		err := AwaitDatabase(t.Context(), slog.New(slog.DiscardHandler), func(error) { away++ }, pause, func(context.Context) error {
			if asked = append(asked, time.Since(began)); len(asked) < 7 {
				return fmt.Errorf("%w: no answer", pg.ErrUnreachable)
			}
			return lasting
		})
		want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second, 30 * time.Second, 45 * time.Second}
		if !errors.Is(err, lasting) || !slices.Equal(asked, want) || away != 6 {
			t.Errorf("asked at %v, %d times told that it is away: %v", asked, away, err)
		}
	})
}
