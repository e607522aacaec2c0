package sched

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Off is the spec of a job that never runs.
const Off = "off"

// parse reads a spec: five fields (minute, hour, day of month, month, day of week), a name such as @daily, or
// @every with a duration. It returns nil for Off.
func parse(spec string, loc *time.Location) (cron.Schedule, error) {
	switch {
	case spec == Off:
		return nil, nil
	case strings.HasPrefix(spec, "TZ="), strings.HasPrefix(spec, "CRON_TZ="):
		// The parser would accept a time zone, and panics where the fields are missing.
		return nil, fmt.Errorf("schedule %q: set the time zone for all schedules, not in one of them", spec)
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(every))
		if err != nil {
			return nil, fmt.Errorf("schedule %q: write a duration such as @every 90m", spec)
		}
		if d < time.Second {
			// The parser would round it up to a second.
			return nil, fmt.Errorf("schedule %q: the shortest interval is one second", spec)
		}
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf(`schedule %q: %w: write five fields such as "0 3 * * *", "@daily", "@every 1h" or "off"`, spec, err)
	}
	if fields, ok := s.(*cron.SpecSchedule); ok {
		if loc == nil {
			loc = time.UTC
		}
		s = onWall(*fields, loc)
	}
	if s.Next(time.Now()).IsZero() {
		return nil, fmt.Errorf("schedule %q: no such day ever comes: write off to switch it off", spec)
	}
	return s, nil
}

// Validate returns what is wrong with a spec.
func Validate(spec string) error {
	_, err := parse(spec, time.UTC)
	return err
}

// Next is the first tick of spec after from; fields are read in loc (nil = UTC). It is the zero time for Off. For @every it is
// one interval after from.
func Next(spec string, loc *time.Location, from time.Time) (time.Time, error) {
	if loc == nil {
		loc = time.UTC
	}
	s, err := parse(spec, loc)
	if err != nil || s == nil {
		return time.Time{}, err
	}
	return s.Next(from), nil
}

// Overdue tells whether a tick of spec has come since last, the start of the last good run (zero: there was none).
func Overdue(spec string, loc *time.Location, last, now time.Time) (bool, error) {
	if spec == Off {
		return false, nil
	}
	next, err := Next(spec, loc, last)
	return err == nil && (last.IsZero() || !next.After(now)), err
}
