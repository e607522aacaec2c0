package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/humanize"
	"syncd/internal/rawjson"
)

// Metrics reads Polar's metrics in UTC periods, by windows of /v1/metrics/ as long as /v1/metrics/limits allows. A window gives
// tens of thousands of items: they are made as they are taken, in pages. The position after each of its pages but the last is the
// window itself.
//
// The first window begins in the month in which the organization was created, or at the earliest date of the limits if that is
// later or the token may not read the organization. The last window ends today. The current period changes until it ends, and
// earlier ones may change too, so each scan reads everything again.
//
// Items are in long form, one per period and metric that has a value, with the digits of numbers unchanged:
//
//	{"id":"<uuid v5 of interval|timezone|period_start|slug>","interval":"day","timezone":"UTC","period_start":"2026-10-15T00:00:00Z",
//	 "slug":"revenue","type":"currency","display_name":"Revenue","value":129900}
//
// The unit follows from type: currency and currency_sub_cent are cents, percentage is a fraction, scalar a number. The path of
// the scan is that of the metrics, /v1/metrics/.
type Metrics struct {
	Intervals []string // hour, day, week, month, year

	since, until time.Time // see Between
}

// metricsNamespace makes the ids of metric rows: a period and slug have the same id in every run and schema.
var metricsNamespace = uuid.MustParse("6f7f5bd5-4a8d-5f0c-9d4c-2c1b6f0a7e11")

const metricsTimezone = "UTC"

// metricsWindow is one request: the periods from start to end, both days included.
type metricsWindow struct {
	part       int
	interval   string
	start, end time.Time
}

// Pages implements Scan.
func (m Metrics) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		windows, none, err := m.remaining(ctx, c, path, query, from)
		yieldWindows(windows, none, err, yield, func(w metricsWindow) (Page, windowRows, error) { return w.read(ctx, c, path, query, m.wants) })
	}
}

// windowRows are the rows of one window, made one after the other.
type windowRows struct {
	count int
	rows  iter.Seq2[jsontext.Value, error]
}

// yieldWindows reads one window after the other. Without any it passes none on, with err; else the first page has cost the requests
// of none, too.
func yieldWindows(windows []metricsWindow, none Page, err error, yield func(Page, error) bool, read func(metricsWindow) (Page, windowRows, error)) {
	if len(windows) == 0 {
		yield(none, err)
		return
	}
	periods, given := 0, 0
	for _, w := range windows {
		periods += w.periods()
	}
	for i, w := range windows {
		p, came, err := read(w)
		if i == 0 {
			p.Requests += none.Requests
		}
		p.Next = w.cursor()
		if err != nil {
			yield(p, err)
			return
		}
		given += came.count
		periods -= w.periods()
		p.TotalCount, p.MaxPage, p.Total = came.count, 1, given+periods*came.count/w.periods()
		if !yieldRows(p, came.rows, yield, func(last *Page) {
			if last.Done = i == len(windows)-1; !last.Done {
				last.Next = windows[i+1].cursor()
			}
		}) {
			return
		}
	}
}

// remaining plans what to read from a position on. none is the page to yield where nothing is left, or where the plan failed: it
// carries the cost of the requests.
func (m Metrics) remaining(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) (windows []metricsWindow, none Page, err error) {
	windows, requests, err := m.windows(ctx, c, path, query)
	none = unread(query, requests, from)
	if err != nil {
		return nil, none, err
	}
	for len(windows) > 0 && windows[0].before(from) {
		windows = windows[1:]
	}
	none.Done = len(windows) == 0
	return windows, none, nil
}

func (w metricsWindow) cursor() Cursor {
	return Cursor{Part: w.part, Key: w.interval, After: w.start.Format(microLayout)}
}

// before: the window had been read when the scan was at from.
func (w metricsWindow) before(from Cursor) bool {
	if w.part != from.Part {
		return w.part < from.Part
	}
	return w.start.Format(microLayout) < from.After
}

// periods is about how many periods the window has.
func (w metricsWindow) periods() int {
	days := int(w.end.Sub(w.start)/day) + 1
	switch w.interval {
	case "hour":
		return days * 24
	case "day":
		return days
	case "week":
		return 1 + days/7
	case "month":
		return 1 + days/31
	}
	return 1 + days/366
}

const day = 24 * time.Hour

// windows plans the requests. They begin and end at borders of periods: else a period would be counted in two halves. What Polar
// says of a period can depend on the others of its request (an exchange rate without a payment is that of the nearest day), so a
// span of time is read by the requests of the whole that show it.
func (m Metrics) windows(ctx context.Context, c *fetch.Client, path string, query url.Values) (windows []metricsWindow, requests int, err error) {
	limits, requests, err := readMetricsLimits(ctx, c, path)
	if err != nil {
		return nil, requests, err
	}
	since, more, err := organizationSince(ctx, c, query)
	requests += more
	if err != nil {
		return nil, requests, err
	}
	today := c.Now().UTC().Truncate(day)
	for part, interval := range m.Intervals {
		limit, ok := limits.Intervals[interval]
		if !ok || limit.MaxDays < 0 {
			return nil, requests, broken(c, path, query, "the limits of the metrics do not name the interval %q", interval)
		}
		start := startOfPeriod(interval, since)
		if start.Before(limits.min) {
			start = limits.min
		}
		for !start.After(today) {
			end := lastDay(interval, start, limit.MaxDays)
			if end.After(today) {
				end = today
			}
			windows = append(windows, metricsWindow{part: part, interval: interval, start: start, end: end})
			start = end.Add(day)
		}
		// The last window may be shorter than the server's minimum. Then it begins earlier, at a border of a period, and some
		// periods come twice. The minimum is advice only, so an organization younger than it is read as it is.
		if n := len(windows) - 1; n > 0 && windows[n-1].part == part {
			last := &windows[n]
			if earliest := last.end.Add(-time.Duration(limit.MinDays) * day); last.start.After(earliest) {
				last.start = startOfPeriod(interval, earliest)
			}
		}
	}
	return slices.DeleteFunc(windows, func(w metricsWindow) bool { return !m.overlaps(w) }), requests, nil
}

type metricsLimits struct {
	MinDate   string `json:"min_date"`
	Intervals map[string]struct {
		MinDays int `json:"min_days"`
		MaxDays int `json:"max_days"`
	} `json:"intervals"`
	min time.Time
}

func readMetricsLimits(ctx context.Context, c *fetch.Client, path string) (limits metricsLimits, requests int, err error) {
	p, err := readBody(ctx, c, path+"limits", nil, func(body []byte) error {
		if err := decode(body, &limits); err != nil {
			return fmt.Errorf("the limits of the metrics: %w", err)
		}
		limits.min, err = time.Parse(time.DateOnly, limits.MinDate)
		return err
	})
	return limits, p.Requests, err
}

// organizationSince is when the organization was created; zero if the token may not read it.
func organizationSince(ctx context.Context, c *fetch.Client, query url.Values) (since time.Time, requests int, err error) {
	p, err := c.Page(ctx, "/v1/organizations/", url.Values{"limit": {"100"}})
	if errors.Is(err, fetch.ErrScope) {
		return time.Time{}, p.Requests, nil
	}
	if err != nil {
		return time.Time{}, p.Requests, err
	}
	wanted := c.WithOrganization(query).Get("organization_id")
	for _, item := range p.Items {
		at := locate(item, "created_at")
		if wanted != "" && at.id != wanted {
			continue
		}
		if since.IsZero() || at.at.Before(since) {
			since = at.at
		}
	}
	if since.IsZero() {
		return since, p.Requests, nil
	}
	return startOfPeriod("month", since), p.Requests, nil
}

// startOfPeriod is the first day of the period that contains a day. Weeks begin on Monday.
func startOfPeriod(interval string, at time.Time) time.Time {
	at = at.UTC()
	switch interval {
	case "year":
		return time.Date(at.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	case "month":
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "week":
		return time.Date(at.Year(), at.Month(), at.Day()-(int(at.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// lastDay is the last day of the longest window from start that has at most maxDays days and ends with a period. A period longer
// than maxDays is read in pieces: there is no other way.
func lastDay(interval string, start time.Time, maxDays int) time.Time {
	most := start.Add(time.Duration(min(maxDays, 100_000)) * day)
	if next := startOfPeriod(interval, most.Add(day)).Add(-day); next.After(start) {
		return next
	}
	return most
}

// query is that of a request for the window.
func (w metricsWindow) query(query url.Values) url.Values {
	query = lists.WithParameter(query, "interval", w.interval)
	query.Set("start_date", w.start.Format(time.DateOnly))
	query.Set("end_date", w.end.Format(time.DateOnly))
	query.Set("timezone", metricsTimezone)
	return query
}

// read requests one window, and takes the periods that are wanted.
func (w metricsWindow) read(ctx context.Context, c *fetch.Client, path string, query url.Values, wants func(interval string, start time.Time) bool) (p Page, came windowRows, err error) {
	p, err = readBody(ctx, c, path, w.query(query), func(body []byte) (err error) {
		came, err = longForm(body, w.interval, wants)
		return err
	})
	return p, came, err
}

// metricRow is an item in long form.
type metricRow struct {
	ID          uuid.UUID      `json:"id"`
	Interval    string         `json:"interval"`
	Timezone    string         `json:"timezone"`
	PeriodStart string         `json:"period_start"`
	Slug        string         `json:"slug"`
	Type        string         `json:"type,omitzero"`
	DisplayName string         `json:"display_name,omitzero"`
	Value       jsontext.Value `json:"value"`
}

// longForm turns {"periods":[{"timestamp":t, slug: value, ...}], "metrics":{slug:{"type","display_name"}}} into one item per
// value. Polar leaves out null values, so the slugs vary. New slugs appear without notice. What an answer must have is checked at
// once, so that the request can be repeated.
func longForm(body []byte, interval string, wants func(interval string, start time.Time) bool) (came windowRows, err error) {
	var answer struct {
		Periods []jsontext.Value          `json:"periods"`
		Metrics map[string]jsontext.Value `json:"metrics"`
	}
	if err := decode(body, &answer); err != nil {
		return came, fmt.Errorf("metrics: %w", err)
	}
	if answer.Periods == nil {
		return came, errors.New(`metrics without "periods"`)
	}
	about := make(map[string]metricRow, len(answer.Metrics))
	for slug, value := range answer.Metrics {
		var known struct {
			Type        string `json:"type"`
			DisplayName string `json:"display_name"`
		}
		if value.Kind() == '{' {
			if err := decode(value, &known); err != nil {
				return came, fmt.Errorf("metric %q: %w", humanize.Line(slug, 60), err)
			}
		}
		about[slug] = metricRow{Type: known.Type, DisplayName: known.DisplayName}
	}
	wanted := make([]jsontext.Value, 0, len(answer.Periods))
	for _, period := range answer.Periods {
		start := locate(period, "timestamp").at
		if start.IsZero() {
			return came, fmt.Errorf(`a period of the metrics without a "timestamp": %s`, humanize.Line(string(period), 80))
		}
		if !wants(interval, start) {
			continue
		}
		wanted = append(wanted, period)
		for _, err := range periodValues(period) {
			if err != nil {
				return came, err
			}
			came.count++
		}
	}
	came.rows = func(yield func(jsontext.Value, error) bool) {
		for _, period := range wanted {
			start := locate(period, "timestamp").at.Format(time.RFC3339Nano)
			for value, err := range periodValues(period) {
				row := about[value.slug]
				row.ID = uuid.NewSHA1(metricsNamespace, []byte(interval+"|"+metricsTimezone+"|"+start+"|"+value.slug))
				row.Interval, row.Timezone, row.PeriodStart, row.Slug, row.Value = interval, metricsTimezone, start, value.slug, value.Value
				var item jsontext.Value
				if err == nil {
					item, err = json.Marshal(row, lenient)
				}
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
	return came, nil
}

// metricValue is the value of a metric in a period.
type metricValue struct {
	slug string
	jsontext.Value
}

// periodValues are the metrics of a period that have a value.
func periodValues(period jsontext.Value) iter.Seq2[metricValue, error] {
	return func(yield func(metricValue, error) bool) {
		for quoted, value := range rawjson.Members(period) {
			slug, err := rawjson.Unquote(quoted)
			if err == nil && (string(slug) == "timestamp" || value.Kind() == 'n') {
				continue
			}
			if !yield(metricValue{string(slug), value}, err) || err != nil {
				return
			}
		}
	}
}

// lenient accepts what a strict reader refuses: one value with broken UTF-8 must not hide the others of its answer.
var lenient = jsontext.AllowInvalidUTF8(true)

// decode reads the few answers that a scan itself has to understand.
func decode(body []byte, into any) error {
	return json.Unmarshal(body, into, lenient, jsontext.AllowDuplicateNames(true))
}
