package scan

import (
	"net/url"
	"time"

	"syncd/internal/fetch/lists"
	"syncd/internal/fetch/scan/periods"
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

// wants: the period that begins at start is to be read.
func (m Metrics) wants(interval string, start time.Time) bool {
	return m.until.IsZero() || start.Before(m.until) && !start.Before(periods.StartOf(interval, m.since))
}

// overlaps: a window has such a period.
func (m Metrics) overlaps(w periods.Window) bool {
	return m.until.IsZero() || w.Start.Before(m.until) && !w.End.Before(periods.StartOf(w.Interval, m.since))
}
