package metrics

import (
	"iter"
	"math"
)

// Tables are the rows and events that count: Polar reads some metrics from its tables, some from events. Compute goes through each at most three times,
// and is done with a row when it takes the next.
type Tables struct {
	// Rows.
	Subscriptions iter.Seq[*Subscription]
	Payments      iter.Seq[*Payment]
	Checkouts     iter.Seq[*Checkout]
	Seats         iter.Seq[*Seat]
	// Events.
	Bookings iter.Seq[*Booking]
	Acts     iter.Seq[*Act]
	Events   iter.Seq[*Event] // all, those above too

	OrderCount, SubscriptionCount int  // above each of their numbers
	Customers                     bool // the query is about some customers only
}

// Values are the metrics of every period.
type Values struct {
	Timeline
	columns map[string]*column
	asked   map[string]bool // the metrics asked for, and what those need
	lives   []life          // of subscriptions, by number
}

// column holds a metric's value of every period: integers, or floats.
type column struct {
	ints   []int64
	floats []float64
}

func (c *column) at(i int) float64 {
	if c.ints != nil {
		return float64(c.ints[i])
	}
	return c.floats[i]
}

// Number is a value: Float where IsFloat, else Int.
type Number struct {
	Int     int64
	Float   float64
	IsFloat bool
}

func (n Number) float() float64 {
	if n.IsFloat {
		return n.Float
	}
	return float64(n.Int)
}

// number is a value in the form in which Polar writes it.
func (f form) number(value float64) Number {
	if f == asInt || f == asPlain && value == math.Trunc(value) || f == asZero && value == 0 {
		return Number{Int: int64(value)}
	}
	return Number{Float: value, IsFloat: true}
}

// Value is the value of a metric in period i.
func (v *Values) Value(d *Def, i int) Number { return d.form.number(v.columns[d.Slug].at(i)) }

// Total is the value of a metric over all periods (get_cumulative in polarsource/polar, server/polar/metrics/metrics.py). Polar makes it from the
// metrics that were asked for: where one that it takes from another was not, it is 0.
func (v *Values) Total(d *Def) Number {
	switch d.total {
	case totalLast:
		return v.Value(d, v.Periods()-1)
	case totalRatio:
		return Number{Float: share(v.sum(d.over), v.sum(d.under)), IsFloat: true}
	case totalPerLast:
		return Number{Float: share(v.sum(d.over), v.final(d.under)), IsFloat: true}
	case totalOther:
		return Number{Int: int64(v.final(d.under))}
	}
	var sum Number
	for i := range v.Periods() {
		value := v.Value(d, i)
		sum = Number{sum.Int + value.Int, sum.float() + value.float(), sum.IsFloat || value.IsFloat}
	}
	return sum
}

// sum and final are totals of a metric that another one's total is made from.
func (v *Values) sum(slug string) (total float64) {
	for i := range v.Periods() {
		if v.asked[slug] {
			total += v.columns[slug].at(i)
		}
	}
	return total
}

func (v *Values) final(slug string) float64 {
	if !v.asked[slug] {
		return 0
	}
	return v.columns[slug].at(v.Periods() - 1)
}

func (v *Values) ints(slug string) []int64 {
	if c := v.columns[slug]; c != nil {
		return c.ints
	}
	c := &column{ints: make([]int64, v.Periods()+1)} // one more, for what ends after the last period
	v.columns[slug] = c
	return c.ints
}

func (v *Values) float(slug string, value func(i int) float64) {
	c := &column{floats: make([]float64, v.Periods())}
	for i := range c.floats {
		c.floats[i] = value(i)
	}
	v.columns[slug] = c
}

func (v *Values) int(slug string, value func(i int) int64) {
	ints := v.ints(slug)
	for i := range v.Periods() {
		ints[i] = value(i)
	}
}

// Compute gives the values of the metrics that wanted name, each from one pass over its table.
func Compute(tl Timeline, tables Tables, wanted []*Def) *Values {
	v := &Values{Timeline: tl, columns: map[string]*column{}, asked: map[string]bool{}}
	var sets set
	for _, d := range wanted {
		sets |= d.sets
		v.asked[d.Slug] = true
		for _, slug := range d.of {
			v.asked[slug] = true
		}
	}
	if sets&setSubscriptions != 0 {
		v.recurring(&tables)
		v.churn(tables.Subscriptions)
	}
	if sets&(setOrders|setActs) != 0 {
		v.lives = make([]life, tables.SubscriptionCount)
		for a := range tables.Acts {
			v.lives[a.Subscription].add(a)
		}
	}
	if sets&setActs != 0 {
		v.beginnings()
	}
	if sets&setOrders != 0 {
		v.sales(&tables)
	}
	if sets&setCheckouts != 0 {
		v.sessions(&tables)
	}
	if sets&setSeats != 0 {
		v.seats(tables.Seats)
	}
	if sets&setEvents != 0 {
		v.usage(tables.Events)
	}
	for _, d := range wanted {
		if d.by != nil {
			v.float(d.Slug, func(i int) float64 {
				of := make([]float64, len(d.of))
				for k, slug := range d.of {
					of[k] = v.columns[slug].at(i)
				}
				return d.by(of)
			})
		}
	}
	return v
}
