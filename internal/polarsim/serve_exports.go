package polarsim

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// export is one of the CSV exports of a list.
type export struct {
	path, list string // of the export, and of the list whose rows and filters it has
	scopes     []string
	file       string
	columns    []exportColumn
	enum       string    // Polar's name of the enumeration of the columns
	params     []string  // filters of the list that the export has too
	bounds     [2]string // time filters; their days are part of the file's name
	fixed      bool      // no `columns`, no `timezone`; rows in no order
}

// maxExport is the most rows that the exports of orders and subscriptions give.
const maxExport = 1_000_000

func exports() []export {
	return []export{
		{path: "/v1/customers/export", list: "/v1/customers/", scopes: []string{"customers:read", "customers:write"}, file: "polar-customers", columns: customerColumns(), fixed: true},
		{path: "/v1/orders/export", list: "/v1/orders/", scopes: []string{"orders:read"}, file: "polar-orders", columns: orderColumns(), enum: "OrderExportColumn",
			params: []string{"product_id", "status"}, bounds: [2]string{"created_after", "created_before"}},
		{path: "/v1/subscriptions/export", list: "/v1/subscriptions/", scopes: []string{"subscriptions:read", "subscriptions:write"}, file: "polar-subscriptions",
			columns: subscriptionColumns(), enum: "SubscriptionExportColumn", params: []string{"product_id", "status", "cancel_at_period_end"}, bounds: [2]string{"started_after", "started_before"}},
	}
}

func exportRoutes() []route {
	table := []route{{method: http.MethodGet, pattern: "/v1/metrics/export", scopes: []string{"metrics:read"}, lock: lockOwn, handle: exportMetrics}}
	for _, e := range exports() {
		table = append(table, route{method: http.MethodGet, pattern: e.path, scopes: e.scopes, lock: lockOwn, handle: e.answer})
	}
	return table
}

// answer checks the parameters. The stream does the rest: the header row is sent before the first row is read.
func (e export) answer(c *call) {
	p, r := &problems{}, c.resourceAt(e.list)
	query := url.Values{}
	for _, name := range append(e.params, "organization_id") {
		if values, given := c.query[name]; given {
			query[name] = values
		}
	}
	for _, name := range e.bounds {
		if values, given := c.query[name]; given && name != "" {
			if _, naive := parseTime(&problems{}, name, values[len(values)-1]); naive {
				p.pydantic("timezone_aware", []any{"query", name}, values[len(values)-1])
				continue
			}
			query[name] = values
		}
	}
	l := c.w.parse(r, query, p)
	zone, columns, limit := time.UTC, e.columns, maxExport
	if e.fixed {
		l.sorting, limit = nil, math.MaxInt32 // no ORDER BY: any order
		l.key += "\x00unsorted"
	} else {
		zone = parseZone(c.query, p)
		columns = e.chosen(c.query["columns"], p)
	}
	if c.invalid(p) {
		return
	}
	file := e.file
	for _, name := range e.bounds {
		for _, b := range l.ranges {
			if query.Has(name) && b.after == strings.HasSuffix(name, "_after") {
				file += "-" + b.at.GoTime().In(zone).Format(time.DateOnly)
			}
		}
	}
	for _, h := range c.hits {
		if h.Kind == "oldheader" {
			columns = oldHeader(e.path, e.columns)
			if e.file == "polar-subscriptions" {
				file = "polar-subscribers"
			}
		}
	}
	c.attach(file, func(emit func([]byte) bool) { c.exportRows(r, &l, spoilColumns(c.hits, columns), zone, limit, emit) })
}

// parseZone reads the parameter timezone: a name of the IANA data base.
func parseZone(query url.Values, p *problems) *time.Location {
	if !query.Has("timezone") {
		return time.UTC
	}
	name := lastOf(query, "timezone")
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		p.add("value_error", []any{"query", "timezone"}, "Value error, '"+name+"' is not a valid IANA time zone", name, `{"error":{}}`)
		return time.UTC
	}
	return zone
}

// chosen gives the columns asked for, in that order.
func (e export) chosen(names []string, p *problems) []exportColumn {
	if len(names) == 0 {
		return e.columns[:defaultColumns]
	}
	allowed := make([]string, len(e.columns))
	for i, c := range e.columns {
		allowed[i] = c.name
	}
	checkEnums(p, e.enum, "columns", names, allowed)
	columns := make([]exportColumn, 0, len(names))
	for _, name := range names {
		if k := slices.Index(allowed, name); k >= 0 {
			columns = append(columns, e.columns[k])
		}
	}
	return columns
}

// spoilColumns applies the faults that change columns.
func spoilColumns(hits []hit, columns []exportColumn) []exportColumn {
	columns = slices.Clone(columns)
	for _, h := range hits {
		if h.Kind != "column" {
			continue
		}
		if name, missing := strings.CutPrefix(h.Value, "-"); missing {
			columns = slices.DeleteFunc(columns, func(c exportColumn) bool { return c.header == name })
			continue
		}
		columns = slices.Insert(columns, min(1, len(columns)), exportColumn{header: strings.TrimPrefix(h.Value, "+"), write: func(_ *World, r *record, _ Ref) { r.text("new, here") }})
	}
	return columns
}

// attach makes the response a stream of CSV.
func (c *call) attach(file string, stream func(emit func([]byte) bool)) {
	c.header.Set("Content-Type", "text/csv; charset=utf-8")
	c.header.Set("Content-Disposition", `attachment; filename="`+file+`.csv"`)
	c.stream = stream
}

// exportRows sends the header, then reads the rows and sends them, some hundreds at a time. emit returns false when the client
// has gone.
func (c *call) exportRows(r *resource, l *listQuery, columns []exportColumn, zone *time.Location, limit int, emit func([]byte) bool) {
	rec := &record{zone: zone}
	rec.begin()
	for _, column := range columns {
		rec.text(column.header)
	}
	rec.end()
	if !emit(rec.b) {
		return
	}
	for _, h := range c.hits {
		switch h.Kind {
		case "gap":
			c.stall(h)
		case "rows":
			limit, _ = strconv.Atoi(h.Value) // no number: no rows
		}
	}
	c.w.mu.RLock()
	rows := c.w.page(c.w.rows(r, l), l.sorting, 0, limit, c.ties(r.path, l))
	c.w.mu.RUnlock()
	for chunk := range slices.Chunk(rows, 500) {
		rec.b = rec.b[:0]
		c.w.mu.RLock()
		for _, n := range chunk {
			if !r.shows(c.w, n) { // deleted since
				continue
			}
			rec.begin()
			for _, column := range columns {
				column.write(c.w, rec, n)
			}
			rec.end()
		}
		c.w.mu.RUnlock()
		if !emit(rec.b) {
			return
		}
	}
}

// exportMetrics answers GET /v1/metrics/export: a record a period, with the metrics in Polar's own order, whatever the order asked for. Unlike in the
// other exports, money is in the smallest unit (polarsource/polar, server/polar/metrics/endpoints.py).
func exportMetrics(c *call) {
	p := &problems{}
	q := parseMetricsQuery(c.query, p)
	if c.invalid(p) {
		return
	}
	c.attach("polar-metrics", func(emit func([]byte) bool) {
		w := c.w
		w.mu.RLock()
		values, defs := q.compute(w, w.metricFilter(&q))
		w.mu.RUnlock()
		columns := []exportColumn{{"", "Timestamp", func(_ *World, r *record, n Ref) { r.time(At(values.Start(int(n)))) }}}
		for _, d := range defs {
			columns = append(columns, exportColumn{d.Slug, d.Name, func(_ *World, r *record, n Ref) {
				r.separate()
				if v := values.Value(d, int(n)); v.IsFloat {
					r.b = appendPython(r.b, v.Float)
				} else {
					r.b = strconv.AppendInt(r.b, v.Int, 10)
				}
			}})
		}
		columns = spoilColumns(c.hits, columns)
		rec := &record{}
		rec.begin()
		for _, column := range columns {
			rec.text(column.header)
		}
		rec.end()
		if !emit(rec.b) {
			return
		}
		rec.b = rec.b[:0]
		for i := range values.Periods() {
			rec.begin()
			for _, column := range columns {
				column.write(w, rec, Ref(i))
			}
			rec.end()
		}
		emit(rec.b)
	})
}

// sendStream sends a response whose length is not known beforehand. Faults end it early: cleanly (short) or with the connection (truncate).
func (c *call) sendStream(rw http.ResponseWriter) {
	left, cut := -1, false
	for _, h := range c.hits {
		switch n, _ := strconv.Atoi(h.Value); h.Kind { // Value is no number where the kind wants none
		case "truncate":
			left, cut = n, true
		case "short":
			left = n
		case "stall":
			c.stall(h)
		}
	}
	rw.WriteHeader(c.status)
	control := http.NewResponseController(rw)
	gone := false
	c.stream(func(b []byte) bool {
		if left >= 0 {
			b = b[:min(len(b), left)]
			left -= len(b)
		}
		if _, err := rw.Write(b); err != nil {
			gone = true
			return false
		}
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			gone = true
			return false
		}
		return left != 0
	})
	if cut || gone {
		panic(http.ErrAbortHandler) // the client is to see a body that ends early, or is gone
	}
}
