package periods

import (
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Timezone is that of all periods.
const Timezone = "UTC"

const day = 24 * time.Hour

// Window is one request: the periods from Start to End, both days included.
type Window struct {
	Part       int // its interval's place among those asked for
	Interval   string
	Start, End time.Time
}

// SetQuery names the window in the query of a request.
func (w Window) SetQuery(query url.Values) {
	query.Set("interval", w.Interval)
	query.Set("start_date", w.Start.Format(time.DateOnly))
	query.Set("end_date", w.End.Format(time.DateOnly))
	query.Set("timezone", Timezone)
}

// Periods is about how many periods the window has.
func (w Window) Periods() int {
	days := int(w.End.Sub(w.Start)/day) + 1
	switch w.Interval {
	case "hour":
		return days * 24
	case "day":
		return days
	case "week":
		return 1 + days/7
	case "month":
		return 1 + days/31
	}
	return 1 + days/366
}

// Limits says how long a window may be (/v1/metrics/limits).
type Limits struct {
	MinDate   string `json:"min_date"`
	Intervals map[string]struct {
		MinDays int `json:"min_days"`
		MaxDays int `json:"max_days"`
	} `json:"intervals"`
	min time.Time
}

// ReadLimits reads the answer that holds them.
func ReadLimits(body []byte) (l Limits, err error) {
	if err := decode(body, &l); err != nil {
		return l, fmt.Errorf("the limits of the metrics: %w", err)
	}
	l.min, err = time.Parse(time.DateOnly, l.MinDate)
	return l, err
}

// Plan plans the windows from a time until today. They begin and end at borders of periods: else a period would be counted in two
// halves.
func (l Limits) Plan(intervals []string, since, today time.Time) (windows []Window, err error) {
	for part, interval := range intervals {
		limit, ok := l.Intervals[interval]
		if !ok || limit.MaxDays < 0 {
			return nil, fmt.Errorf("the limits of the metrics do not name the interval %q", interval)
		}
		start := StartOf(interval, since)
		if start.Before(l.min) {
			start = l.min
		}
		for !start.After(today) {
			end := lastDay(interval, start, limit.MaxDays)
			if end.After(today) {
				end = today
			}
			windows = append(windows, Window{Part: part, Interval: interval, Start: start, End: end})
			start = end.Add(day)
		}
		// The last window may be shorter than the server's minimum. Then it begins earlier, at a border of a period, and some
		// periods come twice. The minimum is advice only, so an organization younger than it is read as it is.
		if n := len(windows) - 1; n > 0 && windows[n-1].Part == part {
			last := &windows[n]
			if earliest := last.End.Add(-time.Duration(limit.MinDays) * day); last.Start.After(earliest) {
				last.Start = StartOf(interval, earliest)
			}
		}
	}
	return windows, nil
}

// StartOf is the first day of the period that contains a day. Weeks begin on Monday.
func StartOf(interval string, at time.Time) time.Time {
	at = at.UTC()
	switch interval {
	case "year":
		return time.Date(at.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	case "month":
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "week":
		return time.Date(at.Year(), at.Month(), at.Day()-(int(at.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// Next is the start of the period after the one that begins at start.
func Next(interval string, start time.Time) time.Time {
	switch interval {
	case "hour":
		return start.Add(time.Hour)
	case "week":
		return start.AddDate(0, 0, 7)
	case "month":
		return start.AddDate(0, 1, 0)
	case "year":
		return start.AddDate(1, 0, 0)
	}
	return start.AddDate(0, 0, 1)
}

// lastDay is the last day of the longest window from start that has at most maxDays days and ends with a period. A period longer
// than maxDays is read in pieces: there is no other way.
func lastDay(interval string, start time.Time, maxDays int) time.Time {
	most := start.Add(time.Duration(min(maxDays, 100_000)) * day)
	if next := StartOf(interval, most.Add(day)).Add(-day); next.After(start) {
		return next
	}
	return most
}

// lenient accepts what a strict reader refuses: one value with broken UTF-8 must not hide the others of its answer.
var lenient = jsontext.AllowInvalidUTF8(true)

func decode(body []byte, into any) error {
	return json.Unmarshal(body, into, lenient, jsontext.AllowDuplicateNames(true))
}
