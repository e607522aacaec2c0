package sched

import (
	"time"

	"github.com/robfig/cron/v3"
)

// plan is when a job is due next. It is not safe for concurrent use.
type plan struct {
	schedule cron.Schedule // nil = off
	offset   float64       // as in Config

	due   time.Time // of @every: in elapsed time; of fields: on the clock that they are read on; zero: not planned yet
	shown time.Time // that clock at the last look
	last  time.Time // last tick, in elapsed time
	since time.Time // as Last of the job, until the first look; zero = no tick is made up for
}

// left is how long it is until the next tick. shown is the clock that fields are read on. Zero or less means that the tick has
// come; then the plan moves on to the tick after it.
func (p *plan) left(shown, now time.Time) time.Duration {
	if every, is := p.schedule.(cron.ConstantDelaySchedule); is {
		if p.due.IsZero() {
			p.due = now.Add(every.Delay)
			if p.offset != 0 {
				tick := Tick(every.Delay, p.offset, shown)
				p.due = p.due.Add(tick.Sub(shown))
				if !p.since.IsZero() && (p.since.Before(tick) || p.since.After(shown)) {
					p.due = p.due.Add(-every.Delay)
				}
			}
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

// Tick is the last tick of an interval up to a time, where an offset says when ticks are: see Config.
func Tick(every time.Duration, offset float64, at time.Time) time.Time {
	begin := int64(offset * float64(every))
	return at.Add(-time.Duration(((at.UnixNano()-begin)%int64(every) + int64(every)) % int64(every)))
}

// shifted is a schedule whose ticks come later.
type shifted struct {
	cron.Schedule
	by time.Duration
}

// longestShift bounds how much later: a schedule is still one of the hour that it names.
const longestShift = time.Hour

// shift moves the ticks of a schedule by a part of its interval.
func shift(s cron.Schedule, offset float64) cron.Schedule {
	if _, every := s.(cron.ConstantDelaySchedule); s == nil || every || offset == 0 {
		return s
	}
	first := s.Next(time.Now())
	return shifted{s, time.Duration(offset * float64(min(longestShift, s.Next(first).Sub(first))))}
}

// Next implements cron.Schedule.
func (s shifted) Next(after time.Time) time.Time {
	next := s.Schedule.Next(after.Add(-s.by))
	if next.IsZero() {
		return next
	}
	return next.Add(s.by)
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
