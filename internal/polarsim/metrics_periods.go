package polarsim

import (
	"slices"
	"time"
)

// metricLimit is how many days may lie between the two dates of a request. Polar documents the minimum and does not enforce it
// (polarsource/polar, server/polar/kit/time_queries.py).
type metricLimit struct {
	interval         string
	minDays, maxDays int
}

var metricLimits = []metricLimit{
	{"year", 366, 365 * 10}, // in the order of Polar's TimeInterval
	{"month", 60, 365 * 4},
	{"week", 14, 7 * 53},
	{"day", 0, 366},
	{"hour", 0, 7},
}

// metricMinDate is the first day of which Polar has metrics; not enforced either.
const metricMinDate = "2023-01-01"

func limitOf(interval string) (metricLimit, bool) {
	i := slices.IndexFunc(metricLimits, func(l metricLimit) bool { return l.interval == interval })
	if i < 0 {
		return metricLimit{}, false
	}
	return metricLimits[i], true
}

func metricIntervals() []string {
	names := make([]string, len(metricLimits))
	for i, l := range metricLimits {
		names[i] = l.interval
	}
	return names
}

// timeline cuts a range of days into periods. Times in it are instants; where periods begin depends on the zone.
type timeline struct {
	interval    string
	zone        *time.Location
	first, last Time   // bounds of the data, both inclusive: the first microsecond of the start date and the last of the end date
	starts      []Time // of every period, and after them the end of the last; the first period may begin before first
}

// newTimeline takes the two dates, inclusive. The first period is the whole one that holds the start date, while data are counted from the
// start date only; an hour is 60 minutes, the other intervals are those of the zone's calendar; weeks begin on Mondays.
func newTimeline(from, to time.Time, interval string, zone *time.Location) timeline {
	y, m, d := from.Date()
	begin := time.Date(y, m, d, 0, 0, 0, 0, zone)
	ey, em, ed := to.Date()
	end := time.Date(ey, em, ed, 23, 59, 59, 999_999_000, zone)
	tl := timeline{interval: interval, zone: zone, first: At(begin), last: At(end)}
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
		tl.starts = append(tl.starts, At(t))
		if t.After(end) {
			return tl
		}
	}
}

// periods is their number.
func (tl *timeline) periods() int { return len(tl.starts) - 1 }

// index is the period that holds t: -1 before the first, periods() after the last.
func (tl *timeline) index(t Time) int {
	i, found := slices.BinarySearch(tl.starts, t)
	if found {
		return i
	}
	return i - 1
}

// holds tells whether t lies between the two dates.
func (tl *timeline) holds(t Time) bool { return t >= tl.first && t <= tl.last }

// shift moves an instant by years or days of the zone's calendar.
func (tl *timeline) shift(t Time, years, days int) Time {
	return At(t.Go().In(tl.zone).AddDate(years, 0, days))
}

// appendStart writes when period i begins, as Polar does: in the zone's offset, Z where that is zero.
func (tl *timeline) appendStart(b []byte, i int) []byte {
	return tl.starts[i].Go().In(tl.zone).AppendFormat(b, time.RFC3339)
}
