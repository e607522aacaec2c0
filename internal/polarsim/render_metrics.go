package polarsim

import (
	"fmt"
	"strconv"
	"time"

	"syncd/internal/polarsim/metrics"
)

// appendMetrics writes the answer. Metrics without a value are left out of it (exclude_none), not sent as null.
func appendMetrics(b []byte, v *metrics.Values, defs []*metrics.Def) []byte {
	b = append(b, `{"periods":[`...)
	for p := range v.Periods() {
		if p > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"timestamp":"`...)
		b = append(v.Start(p).UTC().AppendFormat(b, time.RFC3339), '"') // whatever the zone (get_metrics in server/polar/metrics/service.py)
		for _, d := range defs {
			b = append(b, `,"`...)
			b = append(b, d.Slug...)
			b = append(b, `":`...)
			b = appendMetric(b, v.Value(d, p))
		}
		b = append(b, '}')
	}
	b = append(b, `],"totals":{`...)
	for i, d := range defs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, d.Slug...)
		b = append(b, `":`...)
		b = appendMetric(b, v.Total(d))
	}
	b = append(b, `},"metrics":{`...)
	for i, d := range defs {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%s":{"slug":"%s","display_name":"%s","type":"%s"}`, d.Slug, d.Slug, d.Name, d.Kind)
	}
	return append(b, "}}"...)
}

func appendMetric(b []byte, n metrics.Number) []byte {
	if n.IsFloat {
		return appendNumber(b, n.Float)
	}
	return strconv.AppendInt(b, n.Int, 10)
}

// appendMetricLimits writes the answer of GET /v1/metrics/limits.
func appendMetricLimits(b []byte) []byte {
	b = append(b, `{"min_date":"`+metrics.MinDate+`","intervals":{`...)
	limits := metrics.Limits()
	for i := len(limits) - 1; i >= 0; i-- {
		b = fmt.Appendf(b, `"%s":{"min_days":%d,"max_days":%d}`, limits[i].Interval, limits[i].MinDays, limits[i].MaxDays)
		if i > 0 {
			b = append(b, ',')
		}
	}
	return append(b, "}}"...)
}
