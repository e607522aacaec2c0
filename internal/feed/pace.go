package feed

import (
	"math"
	"time"

	"syncd/internal/tail"
)

const (
	// slowest is the longest interval that quiet leads to.
	slowest = 15 * time.Second
	// quietShare: while nothing happens, rounds take at most a tenth of the budget, as long as the slowest interval allows that.
	quietShare = 10
	// busyShare: while things change, rounds take a fifth of the budget, and what was left over of the last half minute.
	busyShare = 5
	// busyRounds is for how many rounds after the last news each feed is asked. Later they take turns, at one request a round.
	busyRounds = 6
	// slowestRetry is the longest wait after failures.
	slowestRetry = time.Minute
	// busyRetry is how soon what was named is tried again after it met the lease of another process.
	busyRetry = 500 * time.Millisecond
)

// pace says how long to wait before the next round.
type pace struct {
	wait     time.Duration // the interval now
	quiet    int           // rounds without news since the last with news, or as if it were long ago
	failures int
}

// begin is the first wait: the round of tails at the start asks the feeds, too.
func (p *pace) begin(every time.Duration) time.Duration {
	p.quiet = busyRounds
	return every
}

// interval is how often the feeds are asked now.
func (p *pace) interval(every time.Duration) time.Duration { return max(p.wait, every) }

func (p *pace) busy() bool { return p.quiet < busyRounds }

// after is the wait after a round that was made in this time.
func (p *pace) after(every time.Duration, rate float64, a tail.Answer, took time.Duration) time.Duration {
	p.failures = 0
	switch most := Quiet(every, rate); {
	case a.News:
		p.wait, p.quiet = every, 0
	case a.Feeds > 0:
		p.quiet = min(p.quiet+1, busyRounds)
		p.wait = min(p.interval(every)*3/2, most)
	}
	if every == 0 {
		return 0
	}
	return max(p.interval(every)-took, every/4)
}

// Quiet is how often the feeds are asked, at one request a round, when nothing has happened for long. every is how often they are asked
// else; rate is how many requests a minute the budget sustains, 0 = no budget.
func Quiet(every time.Duration, rate float64) time.Duration {
	if rate <= 0 {
		return every
	}
	return max(every, min(slowest, time.Duration(quietShare*float64(time.Minute)/rate)))
}

// failed is the wait after a round that was not made. skipped: another process makes one.
func (p *pace) failed(every time.Duration, skipped, named bool) time.Duration {
	if skipped {
		if named {
			return busyRetry
		}
		return every
	}
	p.failures++
	return min(max(every, time.Second)<<min(p.failures, 10), slowestRetry)
}

// allowance is what rounds may spend while things change. What must be fetched at once may cost more: then it is overdrawn, by as much
// as it holds at most.
type allowance struct {
	left float64
	at   time.Time // of the last grant; zero: there was none
}

// grant is how much room the next round has.
func (a *allowance) grant(now time.Time, rate float64) int {
	if rate <= 0 {
		return math.MaxInt
	}
	most := rate / busyShare / 2
	if a.left += rate / busyShare * now.Sub(a.at).Minutes(); a.at.IsZero() || a.left > most {
		a.left = most
	}
	a.left, a.at = max(a.left, -most), now
	return int(a.left)
}

func (a *allowance) spend(requests int64) { a.left -= float64(requests) }
