package polarsim

import (
	"net/http"
	"net/url"
	"time"
)

// getQuantities answers with the usage of a meter by period. The world keeps sums and no events, so a meter's whole usage falls into the period of
// its customers' last change.
func (c *call) getQuantities() {
	n, ok := c.id("id", KindMeter, len(c.w.meters))
	if !ok {
		return
	}
	p := &problems{}
	from, to := quantityBound(p, c.query, "start_timestamp"), quantityBound(p, c.query, "end_timestamp")
	interval := c.query.Get("interval")
	if !c.query.Has("interval") {
		p.pydantic("missing", []any{"query", "interval"}, nil)
	} else {
		checkEnum(p, []any{"query", "interval"}, interval, []string{"year", "month", "week", "day", "hour"})
	}
	if c.invalid(p) {
		return
	}
	starts := periodStarts(from, to, interval)
	sums, total := make([]float64, len(starts)), 0.0
	for i := range c.w.customerMeters {
		m := &c.w.customerMeters[i]
		if m.Meter != n || m.ModifiedAt < from || m.ModifiedAt > to || len(starts) == 0 {
			continue
		}
		period := len(starts) - 1
		for period > 0 && starts[period] > m.ModifiedAt {
			period--
		}
		sums[period] += m.Consumed
		total += m.Consumed
	}
	var o object
	o.open()
	i := 0
	list(&o, "quantities", starts, func(o *object, t Time) {
		o.open()
		o.time("timestamp", t)
		o.num("quantity", sums[i])
		o.close()
		i++
	})
	o.num("total", total)
	o.close()
	c.json(http.StatusOK, o.b)
}

func quantityBound(p *problems, q url.Values, name string) Time {
	if !q.Has(name) {
		p.pydantic("missing", []any{"query", name}, nil)
		return 0
	}
	t, naive := parseTime(p, name, q.Get(name))
	if naive {
		p.pydantic("timezone_aware", []any{"query", name}, q.Get(name))
	}
	return t
}

// periodStarts are the beginnings of the periods, in UTC, that touch [from, to].
func periodStarts(from, to Time, interval string) (starts []Time) {
	g := from.GoTime()
	switch interval {
	case "hour":
		g = g.Truncate(time.Hour)
	case "day":
		g = time.Date(g.Year(), g.Month(), g.Day(), 0, 0, 0, 0, time.UTC)
	case "week":
		g = time.Date(g.Year(), g.Month(), g.Day()-(int(g.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	case "month":
		g = time.Date(g.Year(), g.Month(), 1, 0, 0, 0, 0, time.UTC)
	default:
		g = time.Date(g.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	const most = 10_000
	for t := At(g); t <= to && len(starts) < most; {
		starts = append(starts, t)
		if interval == "hour" {
			t += hour
		} else {
			t = t.after(interval, 1)
		}
	}
	return starts
}
