package feed_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/feed"
	"syncd/internal/mirror"
	"syncd/internal/store/tails"
	"syncd/internal/tail"
)

// polled is a Poller and the rounds that it has made.
type polled struct {
	*feed.Poller
	began  time.Time
	mu     sync.Mutex // guards what follows: a bubble orders goroutines by time, which is no order to the race detector
	rounds []round
	answer func(tail.Question) (tail.Answer, error) // nil: nothing has happened
}

type round struct {
	at time.Duration
	tail.Question
}

// poll runs a Poller within a bubble, by its clock, until what is done with it is done.
func poll(t *testing.T, every time.Duration, rate float64, do func(*polled)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &polled{began: time.Now()}
		p.Poller = feed.New(feed.Config{
			Every: func() time.Duration { return every }, Rate: func() float64 { return rate },
			Ask: func(_ context.Context, q tail.Question) (tail.Answer, error) {
				p.mu.Lock()
				p.rounds = append(p.rounds, round{time.Since(p.began), q})
				answer := p.answer
				p.mu.Unlock()
				if answer != nil {
					return answer(q)
				}
				return quiet, nil
			},
		})
		stop := make(chan struct{})
		ended := make(chan struct{})
		go func() { defer close(ended); p.Run(t.Context(), stop) }()
		synctest.Wait()
		do(p)
		close(stop)
		<-ended
	})
}

var (
	quiet = tail.Answer{Result: mirror.Result{Outcome: mirror.Succeeded}, Feeds: 1}
	news  = tail.Answer{Result: mirror.Result{Outcome: mirror.Succeeded}, Feeds: 1, News: true}
)

// answers sets what rounds are told from now on.
func (p *polled) answers(answer func(tail.Question) (tail.Answer, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// made are the rounds that were made so far.
func (p *polled) made() []round {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.rounds)
}

// wait lets time pass, and gives the rounds that were made meanwhile.
func (p *polled) wait(d time.Duration) []round {
	n := len(p.made())
	time.Sleep(d)
	synctest.Wait()
	return p.made()[n:]
}

func named(id string) []tails.Changed {
	return []tails.Changed{{Stream: "orders", Filter: tails.ByID, Value: id, At: time.Unix(1, 0)}}
}

// With the default budget the feeds are asked twelve times a minute, whatever happens; a small one is spared while nothing does.
func TestPace(t *testing.T) {
	t.Parallel()
	poll(t, 5*time.Second, 240, func(p *polled) {
		if n := len(p.wait(time.Hour)); n != 720 {
			t.Errorf("%d rounds in a quiet hour, want one every five seconds", n)
		}
	})
	poll(t, 5*time.Second, 48, func(p *polled) { // the sandbox
		if n := len(p.wait(10 * time.Minute)); n > 50 {
			t.Errorf("%d rounds in ten quiet minutes of a small budget", n)
		}
		p.answers(func(tail.Question) (tail.Answer, error) { return news, nil })
		p.wait(15 * time.Second)
		if n := len(p.wait(time.Minute)); n != 12 {
			t.Errorf("%d rounds in a minute in which something happens, want 12 at once", n)
		}
	})
	poll(t, 0, 240, func(p *polled) {
		if n := len(p.wait(24 * time.Hour)); n != 0 {
			t.Errorf("switched off, %d rounds", n)
		}
		p.Nudge(feed.Nudge{Named: named("a")})
		if got := p.wait(time.Hour); len(got) != 1 || len(got[0].Named) != 1 || !got[0].Unasked {
			t.Errorf("switched off and nudged: %+v; want one round that asks no feed", got)
		}
	})
}

// After news each feed is asked in each round; later they take turns.
func TestFeedsTakeTurnsWhileNothingHappens(t *testing.T) {
	t.Parallel()
	poll(t, 5*time.Second, 240, func(p *polled) {
		p.answers(func(tail.Question) (tail.Answer, error) { return news, nil })
		p.wait(5 * time.Second)
		p.answers(nil)
		var each []bool
		for _, r := range p.wait(40 * time.Second) {
			each = append(each, r.Each)
		}
		if want := []bool{true, true, true, true, true, true, false, false}; !slices.Equal(each, want) {
			t.Errorf("all feeds: %v, want %v", each, want)
		}
	})
}

// A nudge does not wait for the next time. What a failed round took along goes with the next.
func TestNudge(t *testing.T) {
	t.Parallel()
	poll(t, 5*time.Second, 240, func(p *polled) {
		fetched := 0
		nudge := func(id string) {
			if !p.Nudge(feed.Nudge{Named: named(id), Fetched: func() { fetched++ }}) {
				t.Error("a nudge was dropped")
			}
		}
		nudge("a")
		nudge("a")
		nudge("b")
		if got := p.wait(time.Millisecond); len(got) != 1 || len(got[0].Named) != 2 || fetched != 3 {
			t.Errorf("three nudges of two objects: %+v, %d told; want one round of both, and three", got, fetched)
		}
		p.Nudge(feed.Nudge{})
		if got := p.wait(time.Millisecond); len(got) != 1 || got[0].Every != 0 || !got[0].Each {
			t.Errorf("asked to ask: %+v; want one round that asks each feed", got)
		}
		p.answers(func(tail.Question) (tail.Answer, error) { return tail.Answer{}, errors.New("away") })
		nudge("c")
		p.wait(time.Second)
		p.answers(nil)
		fetched = 0
		if got := p.wait(time.Minute); len(got) == 0 || len(got[0].Named) != 1 || fetched != 1 {
			t.Errorf("after a failure: %+v, %d told; want one round that tries again", got, fetched)
		}
		p.answers(func(tail.Question) (tail.Answer, error) {
			return tail.Answer{Result: mirror.Result{Outcome: mirror.Skipped}}, nil
		})
		p.wait(time.Minute)
		nudge("d")
		if got := p.wait(5 * time.Second); len(got) < 5 {
			t.Errorf("while another process makes a round: %d tries in five seconds", len(got))
		}
	})
}

// Failures are not repeated every few seconds, and too many nudges are refused.
func TestPollerSparesWhatIsBroken(t *testing.T) {
	t.Parallel()
	poll(t, 5*time.Second, 240, func(p *polled) {
		p.answers(func(tail.Question) (tail.Answer, error) { return tail.Answer{}, errors.New("away") })
		p.wait(5 * time.Minute)
		if n := len(p.wait(10 * time.Minute)); n > 11 {
			t.Errorf("%d rounds in ten minutes, all failed", n)
		}
		took := 0
		for range 6 {
			many := make([]tails.Changed, 1000)
			for i := range many {
				many[i] = tails.Changed{Stream: "orders", Filter: tails.ByID, Value: string(rune(took*1000 + i))}
			}
			if p.Nudge(feed.Nudge{Named: many}) {
				took++
			}
			synctest.Wait() // a round that fails gives back what it has taken
		}
		if took == 0 || took > 5 {
			t.Errorf("%d thousand named objects were taken", took)
		}
	})
}
