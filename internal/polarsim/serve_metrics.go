package polarsim

import "net/http"

// metricRoutes are the operations under /v1/metrics (polarsource/polar, server/polar/metrics/endpoints.py). Unlike other resources', reading asks for
// the read scope itself: the write scope does not include it.
func metricRoutes() []route {
	read, write := []string{"metrics:read"}, []string{"metrics:write"}
	return []route{
		{method: http.MethodGet, pattern: "/v1/metrics/", scopes: read, lock: lockOwn, handle: getMetrics},
		{method: http.MethodGet, pattern: "/v1/metrics/limits", scopes: read, handle: getMetricLimits},
		{method: http.MethodGet, pattern: "/v1/metrics/dashboards", scopes: read, handle: listDashboards},
		{method: http.MethodPost, pattern: "/v1/metrics/dashboards", scopes: write, lock: lockWrite, handle: postDashboard},
		{method: http.MethodGet, pattern: "/v1/metrics/dashboards/{id}", scopes: read, handle: getDashboard},
		{method: http.MethodPatch, pattern: "/v1/metrics/dashboards/{id}", scopes: write, lock: lockWrite, handle: patchDashboard},
		{method: http.MethodDelete, pattern: "/v1/metrics/dashboards/{id}", scopes: write, lock: lockWrite, handle: dropDashboard},
	}
}

func getMetrics(c *call) {
	p := &problems{}
	body := c.w.metrics(&c.charts, c.query, p)
	if !c.invalid(p) {
		c.json(http.StatusOK, body)
	}
}

func getMetricLimits(c *call) { c.json(http.StatusOK, appendMetricLimits(nil)) }

// listDashboards answers with a bare array, not paginated.
func listDashboards(c *call) {
	p, l := &problems{}, listQuery{}
	if ids, given := c.query["organization_id"]; given {
		c.w.onlyOrganization(&l, ids, p)
	}
	if c.invalid(p) {
		return
	}
	b := []byte{'['}
	if !l.empty {
		for i, n := range c.w.listedDashboards() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, c.spoilt(c.w.appendDashboard(nil, n), i, c.w.id(KindDashboard, n))...)
		}
	}
	c.json(http.StatusOK, append(b, ']'))
}

// dashboard finds the dashboard of the path; ok is false when the response is set already.
func (c *call) dashboard() (n int, ok bool) {
	ref, ok := c.id("id", KindDashboard, len(c.w.dashboards))
	if ok && c.w.dashboards[ref].Deleted {
		c.notFound()
		return 0, false
	}
	return int(ref), ok
}

func (c *call) showDashboard(status, n int) {
	c.json(status, c.spoilt(c.w.appendDashboard(nil, n), -1, c.w.id(KindDashboard, n)))
}

func getDashboard(c *call) {
	if n, ok := c.dashboard(); ok {
		c.showDashboard(http.StatusOK, n)
	}
}
