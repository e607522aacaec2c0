package sched

import (
	"time"

	"github.com/robfig/cron/v3"
)

// plan is when a job is due next. It is not safe for concurrent use.
type plan struct {
	schedule cron.Schedule // nil = off

	due   time.Time // of @every: in elapsed time; of fields: on the clock that they are read on; zero: not planned yet
	shown time.Time // that clock at the last look
	last  time.Time // last tick, in elapsed time
}

// left is how long it is until the next tick. shown is the clock that fields are read on. Zero or less means that the tick has
// come; then the plan moves on to the tick after it.
func (p *plan) left(shown, now time.Time) time.Duration {
	if every, is := p.schedule.(cron.ConstantDelaySchedule); is {
		if p.due.IsZero() {
			p.due = now.Add(every.Delay)
		}
		left := p.due.Sub(now)
		if left <= 0 {
			if p.due = p.due.Add(every.Delay); !p.due.After(now) {
				p.due = now.Add(every.Delay)
			}
		}
		return left
	}
	if p.due.IsZero() || shown.Before(p.shown) {
		p.due = p.following(shown, now)
	}
	p.shown = shown
	left := p.due.Sub(shown)
	if left <= 0 {
		p.last = now
		p.due = p.following(shown, now)
	}
	return left
}

// following is the next tick on a clock that shows this time. If less than half an interval has passed since the last tick, the
// clock was set back and the tick would be the same one again: it is left out.
func (p *plan) following(shown, now time.Time) time.Time {
	next := p.schedule.Next(shown)
	if after := p.schedule.Next(next); !p.last.IsZero() && !after.IsZero() && now.Sub(p.last)+next.Sub(shown) < after.Sub(next)/2 {
		return after
	}
	return next
}
