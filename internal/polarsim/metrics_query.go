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

// metricsProblem is one entry of the detail of a 422.
type metricsProblem struct {
	Type  string         `json:"type"`
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Input any            `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

// parseMetricsQuery reads the parameters. refused is the error name of the 422 that they get: RequestValidationError where one has the wrong form,
// PolarRequestValidationError where Polar's own rules forbid the values.
func parseMetricsQuery(values url.Values) (q metricsQuery, refused string, problems []metricsProblem) {
	fail := func(kind, name, input, msg string, ctx map[string]any) {
		problem := metricsProblem{Type: kind, Loc: []any{"query", name}, Msg: msg, Ctx: ctx}
		if kind != "missing" {
			problem.Input = input
		}
		problems = append(problems, problem)
	}
	date := func(name string) time.Time {
		if !values.Has(name) {
			fail("missing", name, "", "Field required", nil)
			return time.Time{}
		}
		s := lastOf(values, name)
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			fail("date_from_datetime_parsing", name, s, "Input should be a valid date or datetime, invalid character in year",
				map[string]any{"error": "invalid character in year"})
		}
		return t
	}
	q.from, q.to = date("start_date"), date("end_date")
	q.zone = time.UTC
	if values.Has("timezone") {
		name := lastOf(values, "timezone")
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			fail("TimeZoneName", "timezone", name, "Invalid timezone name.", nil)
		} else {
			q.zone = zone
		}
	}
	q.interval = lastOf(values, "interval")
	if !values.Has("interval") {
		fail("missing", "interval", "", "Field required", nil)
	} else if _, ok := limitOf(q.interval); !ok {
		const expected = "'year', 'month', 'week', 'day' or 'hour'"
		fail("enum", "interval", q.interval, "Input should be "+expected, map[string]any{"expected": expected})
	}
	ids := func(name string) (list []ID) {
		for _, s := range values[name] {
			id, ok := ParseID(s)
			if !ok {
				fail("uuid_parsing", name, s, "Input should be a valid UUID", map[string]any{"error": "not a UUID"})
			}
			list = append(list, id)
		}
		return list
	}
	q.organizations, q.products, q.customers = ids("organization_id"), ids("product_id"), ids("customer_id")
	for _, s := range values["billing_type"] {
		if s != "one_time" && s != "recurring" {
			const expected = "'one_time' or 'recurring'"
			fail("enum", "billing_type", s, "Input should be "+expected, map[string]any{"expected": expected})
		}
		q.billing = append(q.billing, s)
	}
	if len(problems) > 0 {
		return q, "RequestValidationError", problems
	}

	q.metrics = values["metrics"]
	var unknown []string
	for _, slug := range q.metrics {
		if !isMetric(slug) && !slices.Contains(unknown, slug) {
			unknown = append(unknown, slug)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return q, "PolarRequestValidationError", []metricsProblem{{Type: "value_error", Loc: []any{"query", "metrics"},
			Msg: "Invalid metric slugs: " + strings.Join(unknown, ", "), Input: q.metrics}}
	}
	limit, _ := limitOf(q.interval)
	if days := int(q.to.Sub(q.from).Hours() / 24); days < 0 || days > limit.maxDays {
		return q, "PolarRequestValidationError", []metricsProblem{{Type: "value_error", Loc: []any{"query"},
			Msg:   "The interval is too small for the given date range. Use a larger interval or reduce the date range.",
			Input: []string{q.from.Format(time.DateOnly), q.to.Format(time.DateOnly), q.interval}}}
	}
	return q, "", nil
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
