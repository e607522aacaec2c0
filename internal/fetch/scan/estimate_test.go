package scan

import (
	"context"
	"net/url"
	"testing"

	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/scan/sheet"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// Every scan sends as many requests as it said it would, the count at the end of a sweep included.
func TestEstimates(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 5, Customers: 240})
	each := &Each{Path: "/v1/meters/", Query: url.Values{"is_archived": {"true"}}, Param: "meter_id"}
	ids := func(_ context.Context, id string) ([]string, error) {
		const a, b, c = "10000000-0000-4000-8000-000000000000", "20000000-0000-4000-8000-000000000000", "30000000-0000-4000-8000-000000000000"
		return map[string][]string{"": {a, b}, b: {c}}[id], nil
	}
	nested := Nested{Parents: []Parents{{Param: "customer_id", After: ids}, {Param: "customer_id", After: ids}}}
	metrics := Metrics{Intervals: []string{"day", "month"}}
	for _, test := range []struct {
		name, path string
		scan       Scan
		rows       int // -1: not known beforehand; -2: whatever there are
		off        int // by how many requests the estimate may be wrong
	}{
		{"offset", "/v1/customers/", Offset{Sort: []string{"-created_at", "email"}}, world.Counts()["customers"], 0},
		{"offset of an empty list", "/v1/customers/?", Offset{}, 0, 0},
		{"offset with parts", "/v1/customer-meters/", Offset{Sort: []string{"-created_at", "customer_id", "meter_id"}, Each: each}, world.Counts()["customer_meters"], 0},
		{"keyset", "/v1/subscriptions/", Keyset{Sort: "started_at", After: "started_after"}, world.Counts()["subscriptions"], 1},
		{"windows", "/v1/events/", Windows{Field: "timestamp", After: "start_timestamp", Before: "end_timestamp"}, -2, 3},
		{"array", "/v1/metrics/dashboards", Array{}, world.Counts()["metric_dashboards"], 0},
		{"metrics", "/v1/metrics/", metrics, -1, 0},
		{"export", "/v1/customers/export", Export{Of: "/v1/customers/", Key: [][]string{{"id"}}, Columns: []sheet.Column{{Name: "id", Headers: []string{"ID"}, Kind: sheet.ID}}}, world.Counts()["customers"], 0},
		{"metrics export", "/v1/metrics/export", MetricsExport{Of: "/v1/metrics/", Metrics: metrics}, -1, 0},
		{"by parent", "/v1/members/", nested, -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			query := url.Values{}
			if path, none := test.path, test.path[len(test.path)-1] == '?'; none {
				test.path = path[:len(path)-1]
				query.Set("email", "nobody@example.com")
			}
			c, _ := fetchtest.Simulated(t, world, polarsim.ServerOptions{StableTies: true})
			e, err := EstimateCost(t.Context(), c, test.scan, test.path, query)
			if err != nil || int64(e.Probes) != c.Requests() || e.Rows != test.rows && test.rows != -2 {
				t.Fatalf("%+v after %d requests, %d rows: %v", e, c.Requests(), test.rows, err)
			}
			before, whole := c.Requests(), 0
			for p, err := range test.scan.Pages(t.Context(), c, test.path, query, Cursor{}) {
				if err != nil {
					t.Fatal(err)
				}
				whole = p.Whole
			}
			if counter, is := test.scan.(Counter); is && whole < 0 {
				if _, err := counter.Count(t.Context(), c, test.path, query); err != nil {
					t.Fatal(err)
				}
			}
			if got := int(c.Requests() - before); e.Requests < got-test.off || e.Requests > got+test.off {
				t.Errorf("%d requests, estimated %d", got, e.Requests)
			}
		})
	}
}

// A list that ends with a full page costs one request more.
func TestEstimateOfAFullPage(t *testing.T) {
	t.Parallel()
	for i := range 80 {
		rows := i / 2
		l := newList(spreadRows(rows, 1))
		c := fetchtest.InProcess(t, l.ServeHTTP)
		var scan interface {
			Scan
			Counter
		} = Keyset{Sort: "created_at", After: "created_after", Limit: 10}
		if i%2 > 0 {
			scan = Offset{Sort: []string{"-created_at"}, Limit: 10}
		}
		e, err := EstimateCost(t.Context(), c, scan, "/v1/orders/", nil)
		if err != nil {
			t.Fatal(err)
		}
		before, whole := c.Requests(), 0
		for p, err := range scan.Pages(t.Context(), c, "/v1/orders/", nil, Cursor{}) {
			if err != nil {
				t.Fatal(err)
			}
			whole = p.Whole
		}
		if whole < 0 {
			if _, err := scan.Count(t.Context(), c, "/v1/orders/", nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := int(c.Requests() - before); got != e.Requests {
			t.Errorf("%d rows: %d requests, estimated %d", rows, got, e.Requests)
		}
	}
}
