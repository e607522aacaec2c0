package sched

import (
	"time"

	"github.com/robfig/cron/v3"
)

// wall is a schedule with five fields, read on the wall clock of a place. When the clock is set forward, skipped times mean the
// moment right after, and several of them mean one tick. When it is set back, a time that comes twice means the first of the two,
// unless the schedule has a tick in every hour: then each hour counts, else one would pass without a tick.
type wall struct {
	fields cron.SpecSchedule // in UTC, which stands for a wall clock that nobody sets
	hourly bool
	loc    *time.Location
}

func onWall(fields cron.SpecSchedule, loc *time.Location) wall {
	const everyHour = 1<<24 - 1
	fields.Location = time.UTC
	return wall{fields, fields.Hour&everyHour == everyHour, loc}
}

// Next is the first time of the schedule after t.
func (w wall) Next(t time.Time) time.Time {
	shown := t.In(w.loc)
	at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), shown.Nanosecond(), time.UTC)
	if w.hourly {
		at = at.Add(-maxSetBack)
	}
	var first time.Time // of the ticks in the second of two equal hours
	for end := at.Add(maxSetBack); ; {
		if at = w.fields.Next(at); at.IsZero() {
			return first
		}
		once, twice := moments(at, w.loc)
		if once.After(t) {
			return earlier(first, once)
		}
		if w.hourly && twice.After(t) {
			first = earlier(first, twice)
		}
		if !first.IsZero() && at.After(end) {
			return first
		}
	}
}

// maxSetBack is more than any change of a wall clock.
const maxSetBack = 26 * time.Hour

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// moments are when the wall clock of a place shows what at shows in UTC: once, and maybe twice. If it never does, once is the
// moment at which it is set forward past that time.
func moments(at time.Time, loc *time.Location) (once, twice time.Time) {
	skipped := time.Time{}
	for zone := at.Add(-maxSetBack).In(loc); ; {
		begin, end := zone.ZoneBounds()
		_, offset := zone.Zone()
		moment := at.Add(-time.Duration(offset) * time.Second)
		switch {
		case !begin.IsZero() && moment.Before(begin):
			// It has not shown that time, and does not show it now: the clock was set forward past it.
			if once.IsZero() && skipped.IsZero() {
				skipped = begin
			}
		case end.IsZero() || moment.Before(end):
			if once.IsZero() {
				once = moment.In(loc)
			} else {
				return once, moment.In(loc)
			}
		}
		if end.IsZero() || end.After(at.Add(maxSetBack)) {
			break
		}
		zone = end.In(loc)
	}
	if once.IsZero() {
		once = skipped.In(loc)
	}
	return once, twice
}
