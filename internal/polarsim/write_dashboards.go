package polarsim

import (
	"cmp"
	"math"
	"net/http"
	"slices"
)

// dashboardMetricsMax is how many metrics a dashboard may show (MetricDashboardCreate in polarsource/polar, server/polar/metrics/schemas.py). Which
// they are is not checked upstream.
const dashboardMetricsMax = 10

// listedDashboards are the dashboards in the order of the list. Polar asks for none, so a changed row comes last, where Postgres puts its new version.
func (w *World) listedDashboards() []int {
	rows := make([]int, 0, len(w.dashboards))
	for n := range w.dashboards {
		if !w.dashboards[n].Deleted {
			rows = append(rows, n)
		}
	}
	written := func(n int) Time { return max(w.dashboards[n].CreatedAt, w.dashboards[n].ModifiedAt) }
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(written(a), written(b)) })
	return rows
}

// dashboardInput is the body of a create or an update; nil is a field that was not sent.
type dashboardInput struct {
	name    *string
	metrics []string
}

// dashboardForm reads a body. ok is false when the response is set already.
func (c *call) dashboardForm(create bool) (in dashboardInput, ok bool) {
	f, ok := c.form()
	if !ok {
		return in, false
	}
	if create || f.given("name") {
		name := f.required("name", 1, math.MaxInt)
		in.name = &name
	}
	if f.given("metrics") {
		in.metrics = f.texts("metrics")
		if n := len(in.metrics); n > dashboardMetricsMax {
			f.wrong("metrics", "too_long", "List", dashboardMetricsMax, n)
		}
	}
	if create {
		f.organization()
	}
	return in, !c.invalid(f.problems)
}

// createDashboard adds one and gives its number.
func (w *World) createDashboard(in dashboardInput) int {
	w.dashboards = append(w.dashboards, Dashboard{CreatedAt: w.stamp(), Name: *in.name, Metrics: append([]string{}, in.metrics...)})
	return len(w.dashboards) - 1
}

// updateDashboard changes what was sent; an update that changes nothing leaves modified_at alone, as upstream.
func (w *World) updateDashboard(n int, in dashboardInput) {
	d := &w.dashboards[n]
	name, metrics := d.Name, d.Metrics
	if in.name != nil {
		name = *in.name
	}
	if in.metrics != nil {
		metrics = in.metrics
	}
	if name != d.Name || !slices.Equal(metrics, d.Metrics) {
		d.Name, d.Metrics, d.ModifiedAt = name, metrics, w.stamp()
	}
}

// deleteDashboard removes one for good.
func (w *World) deleteDashboard(n int) {
	w.dashboards[n].Deleted = true
	w.stamp()
}

func postDashboard(c *call) {
	if in, ok := c.dashboardForm(true); ok {
		c.showDashboard(http.StatusCreated, c.w.createDashboard(in))
	}
}

func patchDashboard(c *call) {
	in, ok := c.dashboardForm(false)
	if !ok {
		return
	}
	if n, ok := c.dashboard(); ok {
		c.w.updateDashboard(n, in)
		c.showDashboard(http.StatusOK, n)
	}
}

func dropDashboard(c *call) {
	if n, ok := c.dashboard(); ok {
		c.w.deleteDashboard(n)
		c.status = http.StatusNoContent
	}
}
