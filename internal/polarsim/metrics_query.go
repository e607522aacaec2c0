package polarsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // any zone may be asked for, also where the system has no zone files
)

// metricsQuery is what GET /v1/metrics/ was asked.
type metricsQuery struct {
	from, to                           time.Time // dates, at midnight UTC
	interval                           string
	zone                               *time.Location
	organizations, products, customers []ID // nil: no filter
	billing                            []string
	metrics                            []string // nil: all
}

// parseMetricsQuery reads the parameters; what is wrong with them goes to p. Polar looks at its own rules only where the form is right.
func parseMetricsQuery(values url.Values, p *problems) (q metricsQuery) {
	at := func(name string) []any { return []any{"query", name} }
	date := func(name string) time.Time {
		if !values.Has(name) {
			p.add("missing", at(name), "Field required", nil, "")
			return time.Time{}
		}
		s := lastOf(values, name)
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			p.add("date_from_datetime_parsing", at(name), "Input should be a valid date or datetime, invalid character in year", s,
				`{"error":"invalid character in year"}`)
		}
		return t
	}
	q.from, q.to = date("start_date"), date("end_date")
	q.zone = time.UTC
	if values.Has("timezone") {
		name := lastOf(values, "timezone")
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			p.add("TimeZoneName", at("timezone"), "Invalid timezone name.", name, "")
		} else {
			q.zone = zone
		}
	}
	q.interval = lastOf(values, "interval")
	if values.Has("interval") {
		checkEnum(p, at("interval"), q.interval, metricIntervals())
	} else {
		p.add("missing", at("interval"), "Field required", nil, "")
	}
	ids := func(name string) (list []ID) {
		for i, s := range values[name] {
			id, ok := ParseID(s)
			if !ok {
				p.add("uuid_parsing", append(at(name), "uuid", i), "Input should be a valid UUID, invalid character in a UUID", s, `{"error":"invalid character in a UUID"}`)
			}
			list = append(list, id)
		}
		return list
	}
	q.organizations, q.products, q.customers = ids("organization_id"), ids("product_id"), ids("customer_id")
	q.billing = values["billing_type"]
	for i, s := range q.billing {
		checkEnum(p, append(at("billing_type"), i), s, []string{"one_time", "recurring"})
	}
	if len(p.list) > 0 {
		return q
	}

	p.polar = true
	q.metrics = values["metrics"]
	var unknown []string
	for _, slug := range q.metrics {
		if !isMetric(slug) && !slices.Contains(unknown, slug) {
			unknown = append(unknown, slug)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		p.add("value_error", at("metrics"), "Invalid metric slugs: "+strings.Join(unknown, ", "), q.metrics, "")
		return q
	}
	limit, _ := limitOf(q.interval)
	if days := int(q.to.Sub(q.from) / (24 * time.Hour)); days < 0 || days > limit.maxDays {
		p.add("value_error", []any{"query"}, "The interval is too small for the given date range. Use a larger interval or reduce the date range.",
			[]string{q.from.Format(time.DateOnly), q.to.Format(time.DateOnly), q.interval}, "")
	}
	return q
}

func lastOf(values url.Values, name string) string {
	if all := values[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// key identifies the question: two queries with one key have one answer.
func (q *metricsQuery) key() string {
	ids := func(list []ID) []string {
		var s []string
		for _, id := range list {
			s = append(s, id.String())
		}
		slices.Sort(s)
		return s
	}
	return fmt.Sprintf("%s %s %s %s %q %q %q %q %q", q.from.Format(time.DateOnly), q.to.Format(time.DateOnly), q.interval, q.zone,
		ids(q.organizations), ids(q.products), ids(q.customers), slices.Sorted(slices.Values(q.billing)), slices.Sorted(slices.Values(q.metrics)))
}

// wanted lists the metrics of the answer in Polar's order, and the sets that have to be computed for them.
func (q *metricsQuery) wanted() (defs []*metricDef, sets metricSet) {
	for i := range metricDefs {
		d := &metricDefs[i]
		if d.sets&setUnderivable != 0 || (q.metrics != nil && !slices.Contains(q.metrics, d.slug)) {
			continue
		}
		defs = append(defs, d)
		sets |= d.sets
	}
	return defs, sets
}

// appendMetrics writes the answer. Metrics without a value are left out of it (exclude_none), not sent as null.
func appendMetrics(b []byte, v *metricValues, defs []*metricDef) []byte {
	columns := make([]*column, len(defs))
	for i, d := range defs {
		columns[i] = v.columns[d.slug]
	}
	b = append(b, `{"periods":[`...)
	for p := range v.periods() {
		if p > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"timestamp":"`...)
		b = append(v.appendStart(b, p), '"')
		for i, d := range defs {
			b = append(b, `,"`...)
			b = append(b, d.slug...)
			b = append(b, `":`...)
			b = columns[i].append(b, p)
		}
		b = append(b, '}')
	}
	b = append(b, `],"totals":{`...)
	for i, d := range defs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, d.slug...)
		b = append(b, `":`...)
		b = v.appendTotal(b, d)
	}
	b = append(b, `},"metrics":{`...)
	for i, d := range defs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, d.slug...)
		b = append(b, `":{"slug":"`...)
		b = append(b, d.slug...)
		b = append(b, `","display_name":"`...)
		b = append(b, d.name...)
		b = append(b, `","type":"`...)
		b = append(b, d.kind...)
		b = append(b, `"}`...)
	}
	return append(b, "}}"...)
}

func (v *metricValues) appendTotal(b []byte, d *metricDef) []byte {
	n := v.periods()
	switch d.total {
	case totalLast:
		return v.columns[d.slug].append(b, n-1)
	case totalRatio:
		over, under := sum(v.columns[d.over].ints[:n]), sum(v.columns[d.under].ints[:n])
		if under == 0 {
			return appendFloat(b, 0, false)
		}
		return appendFloat(b, float64(over)/float64(under), false)
	}
	return strconv.AppendInt(b, sum(v.columns[d.slug].ints[:n]), 10)
}

func sum(values []int64) (total int64) {
	for _, v := range values {
		total += v
	}
	return total
}

// appendMetricLimits writes the answer of GET /v1/metrics/limits.
func appendMetricLimits(b []byte) []byte {
	b = append(b, `{"min_date":"`+metricMinDate+`","intervals":{`...)
	for i := len(metricLimits) - 1; i >= 0; i-- {
		l := metricLimits[i]
		b = fmt.Appendf(b, `"%s":{"min_days":%d,"max_days":%d}`, l.interval, l.minDays, l.maxDays)
		if i > 0 {
			b = append(b, ',')
		}
	}
	return append(b, "}}"...)
}
