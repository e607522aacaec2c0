package scan

import (
	"net/url"
	"time"

	"syncd/internal/fetch/lists"
)

// Bounded is a Scan that can be limited to a span of time.
type Bounded interface {
	Scan
	// Between returns the scan of the rows with since <= t < until, where t is the field named by TimeField.
	Between(since, until time.Time) Scan
	// TimeField names the field of the items that the span limits.
	TimeField() string
}

// TimeField implements Bounded.
func (k Keyset) TimeField() string { return k.Sort }

// Between implements Bounded, to the microsecond.
func (k Keyset) Between(since, until time.Time) Scan {
	k.since, k.until = since.UTC(), until.UTC()
	return k
}

// bounded adds the span to the query. Both of Polar's filters are exclusive.
func (k Keyset) bounded(query url.Values) url.Values {
	if k.until.IsZero() {
		return query
	}
	query = lists.WithParameter(query, k.After, k.since.Add(-time.Microsecond).Format(microLayout))
	query[k.Before] = []string{k.until.Format(microLayout)}
	return query
}

// TimeField implements Bounded.
func (w Windows) TimeField() string { return w.Field }

// Between implements Bounded, widened to whole seconds.
func (w Windows) Between(since, until time.Time) Scan {
	w.since, w.until = since.UTC().Truncate(time.Second), until.UTC().Add(time.Second-1).Truncate(time.Second)
	return w
}

// TimeField implements Bounded.
func (m Metrics) TimeField() string { return "period_start" }

// Between implements Bounded, widened to whole periods: else part of a month would be stored as the month.
func (m Metrics) Between(since, until time.Time) Scan {
	m.since, m.until = since.UTC(), until.UTC()
	return m
}

// lastDay is the last day to read: today, or the last day of the period in which the span ends.
func (m Metrics) lastDay(interval string, today time.Time) time.Time {
	if m.until.IsZero() {
		return today
	}
	last := startOfPeriod(interval, m.until.Add(-1))
	switch interval {
	case "year":
		last = last.AddDate(1, 0, -1)
	case "month":
		last = last.AddDate(0, 1, -1)
	case "week":
		last = last.AddDate(0, 0, 6)
	}
	if last.After(today) {
		return today
	}
	return last
}
