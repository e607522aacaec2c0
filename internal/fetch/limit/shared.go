package limit

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// SharedBudget is a budget that several processes of one organization share, so that together they stay within it. It gives out a
// few tokens at a time by a clock of its own. Each process asks it about four times a second at most.
//
// An error means that it cannot be reached. Until it can, a process uses a safe part of the budget.
type SharedBudget interface {
	// Take asks for tokens.
	Take(context.Context, Ask) (Grant, error)
	// Pause withholds the tokens of all processes for d from now: Polar has refused a request.
	Pause(ctx context.Context, d time.Duration) error
}

// Ask is a process's question to a SharedBudget, with what the process tells about itself.
type Ask struct {
	Want     int      // tokens, at least 1
	Priority Priority // of the request that is next
	// Rate and Burst describe the token bucket, in tokens a second and in tokens. Where processes differ, the smaller value
	// counts.
	Rate  float64
	Burst int
	// Budget is the state of the asking process.
	Budget Budget
}

// Grant is the answer to an Ask.
type Grant struct {
	Tokens  int           // 0 to Want
	Wait    time.Duration // where Tokens is 0: when to ask again
	Pause   time.Duration // how long no process may send a request
	Sharers int           // processes that asked recently, this one included
}

const (
	// hold: a token may be used for window/hold after it was asked for, which is a second.
	hold = 60
	// askWithin bounds one question to the shared budget.
	askWithin = 2 * time.Second
	// awayFor is how long a shared budget that did not answer is not asked again.
	awayFor = 5 * time.Second
)

// shared is a process's part of a SharedBudget.
type shared struct {
	SharedBudget
	hand    int       // tokens in hand
	until   time.Time // when they expire
	again   time.Time // when the shared budget may be asked again
	asking  bool
	away    bool
	sharers int
}

// ShareBudget makes the limiter draw on a budget shared with other processes. Call it before the first request. A limiter without
// a budget shares none.
func (l *Limiter) ShareBudget(b SharedBudget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket != nil {
		l.shared = &shared{SharedBudget: b, sharers: 1}
	}
}

// sharedToken takes a token of the shared budget. settled is false where the shared budget cannot be reached.
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
	l.queue.rouse() // a waiter with a better priority may have come
	if ctx.Err() == nil {
		l.answer(ctx, now, grant, err)
	}
	return 0, false, true
}

// answer processes the shared budget's answer to a question of the time asked.
func (l *Limiter) answer(ctx context.Context, asked time.Time, grant Grant, err error) {
	s, now := l.shared, time.Now()
	if err != nil {
		s.again = now.Add(awayFor)
		if !s.away {
			s.away = true
			// How many tokens the other processes still hold is not known: begin without any.
			limit, burst := bucketOf(max(1, l.pace.now/(s.sharers+1)), l.window, 0)
			l.bucket = rate.NewLimiter(limit, burst)
			l.bucket.AllowN(now, burst)
			l.log.WarnContext(ctx, "the shared request budget cannot be reached: syncd goes on with a safe part of it, and tries again",
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

// sharePause tells the other processes about a refusal. One that learns of it late gets one refusal of its own.
func (l *Limiter) sharePause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	if err := l.shared.Pause(ctx, d); err != nil {
		l.log.DebugContext(ctx, "other processes could not be told of a pause", slog.Any("error", err))
	}
}
