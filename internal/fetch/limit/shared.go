package limit

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// SharedBudget is a budget that several processes of one organization draw on, so that together they stay within it.
// It hands out tokens a few at a time by a clock of its own, and is asked about four times a second at most.
//
// Errors mean that it cannot be reached; then a process uses a safe part of the budget until it can.
type SharedBudget interface {
	// Take asks for tokens.
	Take(context.Context, Ask) (Grant, error)
	// Pause keeps back the tokens of all processes for d from now: Polar has refused a request.
	Pause(ctx context.Context, d time.Duration) error
}

// Ask is what a process asks a SharedBudget for, and what it tells of itself.
type Ask struct {
	Want     int      // tokens, at least 1
	Priority Priority // of the request that is next
	// Rate and Burst are those of the token bucket that the tokens come from, in tokens a second and in tokens. Where
	// processes differ the smaller counts.
	Rate  float64
	Burst int
	// Budget is how the asking process stands.
	Budget Budget
}

// Grant is the answer to an Ask.
type Grant struct {
	Tokens  int           // 0 to Want
	Wait    time.Duration // where Tokens is 0: when to ask again
	Pause   time.Duration // how long nobody may send a request
	Sharers int           // processes that have asked of late, this one included
}

const (
	// hold is how long a token may be used after it was asked for, in parts of a window: a second.
	hold = 60
	// askWithin bounds one question to the shared budget.
	askWithin = 2 * time.Second
	// awayFor is how long it is left alone when it did not answer.
	awayFor = 5 * time.Second
)

// shared is a process's part of a SharedBudget.
type shared struct {
	SharedBudget
	hand    int       // tokens that may be used
	until   time.Time // and until when
	again   time.Time // not to be asked before
	asking  bool
	away    bool
	sharers int
}

// ShareBudget makes the limiter draw on a budget that it has in common with other processes. It is called before the first
// request. A limiter without a budget shares none.
func (l *Limiter) ShareBudget(b SharedBudget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket != nil {
		l.shared = &shared{SharedBudget: b, sharers: 1}
	}
}

// sharedToken takes a token of the shared budget. settled is false where that cannot be reached.
func (l *Limiter) sharedToken(ctx context.Context, now time.Time, p Priority) (wait time.Duration, taken, settled bool) {
	s := l.shared
	switch {
	case s.hand > 0 && now.Before(s.until):
		s.hand--
		return 0, true, true
	case now.Before(s.again):
		return s.again.Sub(now), false, !s.away
	}
	n := l.pace.now
	limit, burst := bucketOf(n, l.window, l.window/hold)
	ask := Ask{
		Want:     max(1, n/240, min(n/120, len(l.queue.waiting))),
		Priority: p, Rate: float64(limit), Burst: burst, Budget: l.standing(now),
	}
	s.asking = true
	l.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, askWithin)
	grant, err := s.Take(within, ask)
	cancel()
	l.mu.Lock()
	s.asking = false
	l.queue.rouse() // somebody with a better priority may have come
	if ctx.Err() == nil {
		l.answer(ctx, now, grant, err)
	}
	return 0, false, true
}

// answer takes in what the shared budget answered to a question of the time asked.
func (l *Limiter) answer(ctx context.Context, asked time.Time, grant Grant, err error) {
	s, now := l.shared, time.Now()
	if err != nil {
		s.again = now.Add(awayFor)
		if !s.away {
			s.away = true
			// What the processes have left of their tokens is not known: begin without any.
			limit, burst := bucketOf(max(1, l.pace.now/(s.sharers+1)), l.window, 0)
			l.bucket = rate.NewLimiter(limit, burst)
			l.bucket.AllowN(now, burst)
			l.log.WarnContext(ctx, "the shared request budget cannot be reached: going on with a safe part of it, and trying again",
				slog.Float64("requests_per_minute", float64(limit)*60), slog.Any("error", err))
		}
		return
	}
	if s.away {
		s.away = false
		l.log.InfoContext(ctx, "the shared request budget can be reached again")
	}
	s.sharers = max(1, grant.Sharers)
	s.hand, s.until = grant.Tokens, asked.Add(l.window/hold)
	if grant.Tokens == 0 {
		s.again = now.Add(max(grant.Wait, l.window/hold/2))
	}
	l.pause(now, grant.Pause)
}

// sharePause tells the others of a refusal. That one of them learns of it late costs it one more.
func (l *Limiter) sharePause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	if err := l.shared.Pause(ctx, d); err != nil {
		l.log.DebugContext(ctx, "other processes could not be told of a pause", slog.Any("error", err))
	}
}
