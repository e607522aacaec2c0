package audit

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/store/audits"
)

// ownRows is the other source of metrics: what the mirror's rows give.
const ownRows = "the mirror's rows"

// settling is how long a change at Polar may take until its metrics show it: they are cached for a minute.
const settling = 2 * time.Minute

// ownMetrics is the comparison of metrics with the mirror's rows.
func (a *auditing) ownMetrics() comparison {
	return comparison{"metrics", ownRows, []string{audits.FindingMetric, audits.FindingUnsettled}, a.metrics}
}

// metrics makes a finding of each metric that differs in periods in a row. It counts where nothing has changed at Polar since its
// metrics were read; else where it has been found before, and Polar's metrics were read again since: what a change makes goes away
// when it is read.
func (a *auditing) metrics(ctx context.Context, c *Check) (found []audits.Finding, err error) {
	standings, err := a.engine.Store.Streams().Standings(ctx, []string{"metrics"})
	if err != nil {
		return nil, err
	}
	asOf := standings[0].CompleteAt
	if a.Metrics, err = a.stored.CompareMetrics(ctx, a.o.Since); err != nil {
		return nil, err
	}
	changed, err := a.stored.ChangedAfter(ctx, asOf.Add(-settling))
	if err != nil {
		return nil, err
	}
	before, err := a.stored.OpenFindings(ctx, []string{"metrics"})
	if err != nil {
		return nil, err
	}
	missing, lacking := map[string][]string{}, map[string]bool{}
	for i := range a.Metrics {
		m := &a.Metrics[i]
		if why := a.uncomparable(*m); why != "" {
			m.Verdict, m.Reason = "", why
		}
		switch m.Verdict {
		case "":
			lacking[m.Slug] = true
			if !slices.Contains(missing[m.Reason], m.Slug) {
				missing[m.Reason] = append(missing[m.Reason], m.Slug)
			}
		case "different":
			f := finding(*m, asOf)
			if changed && !seenBefore(before, f, asOf) {
				f.Kind = audits.FindingUnsettled
				c.unsettled++
			}
			found = append(found, f)
		}
	}
	for _, b := range before { // what is not compared is not known to be right
		_, slug, _ := strings.Cut(b.Key, " ")
		slug, _, _ = strings.Cut(slug, " ")
		if b.Kind == audits.FindingMetric && lacking[slug] && !slices.ContainsFunc(found, func(f audits.Finding) bool { return f.Key == b.Key }) {
			found = append(found, b)
		}
	}
	c.say("Polar's metrics as of %s", asOf.UTC().Format(time.RFC3339))
	if c.unsettled > 0 {
		c.say("%s more differ, but rows have changed since: audit again after `syncd sync metrics`", humanize.Count(c.unsettled))
	}
	for _, why := range slices.Sorted(maps.Keys(missing)) {
		c.say("%s metrics not compared: %s", humanize.Count(len(missing[why])), why)
	}
	return found, nil
}

// uncomparable says why a metric cannot be compared with rows, though its tables may hold some.
func (a *auditing) uncomparable(m audits.ComparedMetric) string {
	for _, stream := range m.Sources {
		switch kept := a.engine.Retention[stream]; {
		case a.engine.Off[stream]:
			return "needs stream " + stream
		case kept > 0:
			return fmt.Sprintf("needs all %s, and they are kept for %d days", stream, int(kept/(24*time.Hour)))
		}
	}
	if m.Verdict == "" {
		return m.Reason
	}
	return ""
}

// finding is that of a metric that differs.
func finding(m audits.ComparedMetric, asOf time.Time) audits.Finding {
	through := ""
	if m.Periods > 1 {
		through = fmt.Sprintf(" and in %s more to %s", humanize.Count(m.Periods-1), m.Last.UTC().Format(time.DateOnly))
	}
	return audits.Finding{Stream: "metrics", Key: m.Interval + " " + m.Slug + " " + m.First.UTC().Format(time.DateOnly), Kind: audits.FindingMetric,
		Mirror: m.Mirror, Other: m.Polar,
		Evidence: fmt.Sprintf("differs by %s in the %s%s, Polar's as of %s; nothing that Polar does not show explains it. A row of %s is wrong or missing: `syncd audit %s`, or `syncd sync` them",
			m.Difference, m.Interval, through, asOf.UTC().Format(time.RFC3339), strings.Join(m.Sources, " or "), strings.Join(m.Sources, " "))}
}

// seenBefore: the same difference was found before Polar's metrics were read.
func seenBefore(before []audits.Finding, f audits.Finding, asOf time.Time) bool {
	return slices.ContainsFunc(before, func(b audits.Finding) bool {
		return (b.Kind == audits.FindingMetric || b.Kind == audits.FindingUnsettled) && b.Key == f.Key && b.FirstSeen.Before(asOf) && difference(b).Cmp(difference(f)) == 0
	})
}

func difference(f audits.Finding) *big.Rat {
	mirror, _ := new(big.Rat).SetString(f.Mirror)
	other, _ := new(big.Rat).SetString(f.Other)
	if mirror == nil || other == nil {
		return new(big.Rat)
	}
	return other.Sub(other, mirror)
}
