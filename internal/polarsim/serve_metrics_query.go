package polarsim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"syncd/internal/polarsim/metrics"
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
			p.pydantic("missing", at(name), nil)
			return time.Time{}
		}
		s := lastOf(values, name)
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			p.pydantic("date_from_datetime_parsing", at(name), s, "invalid character in year")
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
		checkEnum(p, at("interval"), q.interval, metrics.Intervals())
	} else {
		p.pydantic("missing", at("interval"), nil)
	}
	ids := func(name string) []ID {
		if len(values[name]) == 0 {
			return nil
		}
		return parseIDs(p, name, values[name])
	}
	q.organizations, q.products, q.customers = ids("organization_id"), ids("product_id"), ids("customer_id")
	q.billing = values["billing_type"]
	checkEnums(p, "ProductBillingType", "billing_type", q.billing, []string{"one_time", "recurring"})
	if len(p.list) > 0 {
		return q
	}

	p.polar = true
	q.metrics = values["metrics"]
	var unknown []string
	for _, slug := range q.metrics {
		if !metrics.IsMetric(slug) && !slices.Contains(unknown, slug) {
			unknown = append(unknown, slug)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		p.add("value_error", at("metrics"), "Invalid metric slugs: "+strings.Join(unknown, ", "), q.metrics, "")
		return q
	}
	limit, _ := metrics.LimitOf(q.interval)
	if days := int(q.to.Sub(q.from) / (24 * time.Hour)); days < 0 || days > limit.MaxDays {
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

// key identifies a query: two queries with one key have one answer.
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

// metricFilter narrows the rows that count. A nil slice counts every row.
type metricFilter struct {
	customers, products []bool // by row number
	nothing             bool   // the filter names nothing of this organization
}

func (f *metricFilter) accepts(customer, product Ref) bool {
	if f.nothing {
		return false
	}
	if f.customers != nil && (customer < 0 || !f.customers[customer]) {
		return false
	}
	return f.products == nil || (product >= 0 && f.products[product])
}

// compute answers the question from the rows that the filter accepts.
func (q *metricsQuery) compute(w *World, f *metricFilter) (values *metrics.Values, defs []*metrics.Def) {
	defs = metrics.Choose(q.metrics)
	return metrics.Compute(metrics.NewTimeline(q.from, q.to, q.interval, q.zone), w.counted(f), defs), defs
}
