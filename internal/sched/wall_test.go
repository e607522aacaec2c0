package sched

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// places are the time zones of this machine, one of all whose clocks change alike in the given years: from the same local
// time to the same, on the same side of Greenwich.
func places(t *testing.T, from, to time.Time) []*time.Location {
	t.Helper()
	const root = "/usr/share/zoneinfo"
	alike := map[string]*time.Location{}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path[0] < 'A' || path[0] > 'Z' {
			return nil
		}
		loc, err := time.LoadLocation(path)
		if err != nil {
			return nil //nolint:nilerr // no time zone
		}
		var all strings.Builder
		_, offset := from.In(loc).Zone()
		for at := from.Add(-time.Duration(offset) * time.Second).In(loc); ; {
			_, offset := at.Zone()
			_, end := at.ZoneBounds()
			fmt.Fprint(&all, at.Format(time.DateTime), offset < 0, " until ", end.Add(time.Duration(offset)*time.Second).UTC(), "\n")
			if end.IsZero() || end.After(to) {
				break
			}
			at = end.In(loc)
		}
		alike[all.String()] = loc
		return nil
	})
	if err != nil || len(alike) < 30 {
		t.Skipf("%d time zones in %s: %v", len(alike), root, err)
	}
	var list []*time.Location
	for _, loc := range alike {
		list = append(list, loc)
	}
	return list
}

// walls are what a wall clock shows in every minute.
func walls(loc *time.Location, from, to time.Time) (shown []time.Time) {
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		l := at.In(loc)
		shown = append(shown, time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC))
	}
	return shown
}

// ticks are what a wall clock says, looked at in every minute from a moment on: the moments at which it first shows a time of
// the schedule, or is set forward past one.
func ticks(fields cron.SpecSchedule, hourly bool, from time.Time, walls []time.Time) (list []time.Time) {
	has := func(field uint64, value int) bool { return field&(1<<uint(value)) != 0 }
	met := func(shown time.Time) bool {
		const star = 63 // the bit of a field that is not restricted
		day, weekday := has(fields.Dom, shown.Day()), has(fields.Dow, int(shown.Weekday()))
		either := day || weekday
		if has(fields.Dom, star) || has(fields.Dow, star) {
			either = day && weekday
		}
		return either && has(fields.Minute, shown.Minute()) && has(fields.Hour, shown.Hour()) && has(fields.Month, int(shown.Month()))
	}
	shown := map[time.Time]bool{}
	last := walls[0]
	for i, now := range walls {
		tick := met(now) && (hourly || !shown[now])
		if now.After(last.Add(time.Minute)) { // set forward: over something that was not shown before?
			for skipped := last.Add(time.Minute); skipped.Before(now); skipped = skipped.Add(time.Minute) {
				tick = tick || met(skipped)
			}
		}
		shown[now] = true
		if tick {
			list = append(list, from.Add(time.Duration(i)*time.Minute))
		}
		last = now
	}
	return list
}

// Around each change of each clock of a year every schedule runs when the wall clock says so, once.
func TestSchedulesFollowTheWallClock(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: make test runs it")
	}
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(1, 0, 0)
	around, changes := 36*time.Hour, 0
	for _, loc := range places(t, from, to) {
		for at := from.In(loc); ; {
			_, end := at.ZoneBounds()
			if end.IsZero() || end.After(to) {
				break
			}
			changes++
			begin, until := end.Add(-around).UTC().Truncate(time.Minute), end.Add(around)
			shown := walls(loc, begin, until)
			for _, spec := range []string{
				"30 2 * * *", "0 0 * * *", "0 3 * * *", "15 1 * * *", "*/20 2 * * *", "45 23,0-3 * * *", "0 */2 * * *", "30 0-4 * * 0", "*/15 * * * *", "7 * * * *", "@daily", "@hourly", "@weekly",
			} {
				s, err := cron.ParseStandard(spec)
				if err != nil {
					t.Fatal(err)
				}
				fields := *s.(*cron.SpecSchedule)
				hourly := strings.HasPrefix(spec, "*/15 *") || strings.HasPrefix(spec, "7 *") || spec == "@hourly"
				want := ticks(fields, hourly, begin, shown)
				var got []time.Time
				for next := begin.Add(-time.Second); ; {
					var err error
					if next, err = Next(spec, loc, next); err != nil {
						t.Fatal(err)
					}
					if !next.Before(until) {
						break
					}
					got = append(got, next)
				}
				if len(got) != len(want) {
					t.Fatalf("%q in %v around %v: %d runs, want %d:\n%v\n%v", spec, loc, end, len(got), len(want), got, want)
				}
				for i := range want {
					if !got[i].Equal(want[i]) {
						t.Fatalf("%q in %v: run %v, want %v", spec, loc, got[i], want[i].In(loc))
					}
				}
			}
			at = end.In(loc)
		}
	}
	t.Logf("%d changes of clocks", changes)
	if changes < 20 {
		t.Errorf("%d changes of clocks, want those of all zones", changes)
	}
}
