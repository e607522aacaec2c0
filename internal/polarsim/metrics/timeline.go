package metrics

import (
	"slices"
	"time"
)

// Time is an instant in microseconds since 1970; 0 = never.
type Time int64

func at(t time.Time) Time { return Time(t.UnixMicro()) }

// Limit is how many days may lie between the two dates of a request. Polar documents the minimum and does not enforce it
// (polarsource/polar, server/polar/kit/time_queries.py).
type Limit struct {
	Interval         string
	MinDays, MaxDays int
}

var limits = []Limit{
	{"year", 366, 365 * 10}, // in the order of Polar's TimeInterval
	{"month", 60, 365 * 4},
	{"week", 14, 7 * 53},
	{"day", 0, 366},
	{"hour", 0, 7},
}

// MinDate is the first day of which Polar has metrics; not enforced either.
const MinDate = "2023-01-01"

// Limits lists the limit of each interval, the longest interval first.
func Limits() []Limit { return slices.Clone(limits) }

// LimitOf is the limit of an interval.
func LimitOf(interval string) (l Limit, ok bool) {
	i := slices.IndexFunc(limits, func(l Limit) bool { return l.Interval == interval })
	if i < 0 {
		return Limit{}, false
	}
	return limits[i], true
}

// Intervals names them, the longest first.
func Intervals() []string {
	names := make([]string, len(limits))
	for i, l := range limits {
		names[i] = l.Interval
	}
	return names
}

// Timeline cuts a range of days into periods. Times in it are instants; where periods begin depends on the zone.
type Timeline struct {
	interval    string
	zone        *time.Location
	first, last Time   // bounds of the data, both inclusive: the first microsecond of the start date and the last of the end date
	starts      []Time // of every period, and after them the end of the last; the first period may begin before first
	near        int    // the period of the time that was last looked for: the next one is often there too
}

// NewTimeline takes the two dates, inclusive. The first period is the whole one that holds the start date, while data are counted from the
// start date only; an hour is 60 minutes, the other intervals are those of the zone's calendar; weeks begin on Mondays.
func NewTimeline(from, to time.Time, interval string, zone *time.Location) Timeline {
	y, m, d := from.Date()
	begin := time.Date(y, m, d, 0, 0, 0, 0, zone)
	ey, em, ed := to.Date()
	end := time.Date(ey, em, ed, 23, 59, 59, 999_999_000, zone)
	tl := Timeline{interval: interval, zone: zone, first: at(begin), last: at(end)}
	switch interval {
	case "week":
		d -= (int(begin.Weekday()) + 6) % 7
	case "month":
		d = 1
	case "year":
		m, d = 1, 1
	}
	for i := 0; ; i++ {
		var t time.Time
		switch interval {
		case "hour":
			t = begin.Add(time.Duration(i) * time.Hour)
		case "week":
			t = time.Date(y, m, d+7*i, 0, 0, 0, 0, zone)
		case "month":
			t = time.Date(y, m+time.Month(i), d, 0, 0, 0, 0, zone)
		case "year":
			t = time.Date(y+i, m, d, 0, 0, 0, 0, zone)
		default:
			t = time.Date(y, m, d+i, 0, 0, 0, 0, zone)
		}
		tl.starts = append(tl.starts, at(t))
		if t.After(end) {
			return tl
		}
	}
}

// Periods is their number.
func (tl *Timeline) Periods() int { return len(tl.starts) - 1 }

// Start is when period i begins, in the zone.
func (tl *Timeline) Start(i int) time.Time { return time.UnixMicro(int64(tl.starts[i])).In(tl.zone) }

// index is the period that holds t: -1 before the first, Periods() after the last.
func (tl *Timeline) index(t Time) int {
	if t >= tl.starts[tl.near] && t < tl.starts[tl.near+1] {
		return tl.near
	}
	i, found := slices.BinarySearch(tl.starts, t)
	if !found {
		i--
	}
	if i >= 0 && i < tl.Periods() {
		tl.near = i
	}
	return i
}

// holds tells whether t lies between the two dates.
func (tl *Timeline) holds(t Time) bool { return t >= tl.first && t <= tl.last }

// lastSecond begins the last second of the end date. Most metrics that Polar computes from events end here, as it hands their bounds on without
// fractions of seconds (polarsource/polar, server/polar/metrics/queries_tinybird.py).
func (tl *Timeline) lastSecond() Time { return tl.last - 999_999 }

// shift moves an instant by years or days of the zone's calendar.
func (tl *Timeline) shift(t Time, years, days int) Time {
	return at(time.UnixMicro(int64(t)).In(tl.zone).AddDate(years, 0, days))
}
