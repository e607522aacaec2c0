package polarsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// dashboardMetricsMax is how many metrics a dashboard may show (MetricDashboardCreate in polarsource/polar, server/polar/metrics/schemas.py). Which
// they are is not checked upstream.
const dashboardMetricsMax = 10

// listed are the dashboards in the order of the list. Polar asks for none, so a changed row comes last, where Postgres puts its new version.
func (w *World) listed() []int {
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

// parseDashboard reads a body; what is wrong with it goes to p.
func parseDashboard(body []byte, create bool, p *problems) (in dashboardInput) {
	at := func(loc ...any) []any { return append([]any{"body"}, loc...) }
	const notString = "Input should be a valid string"
	var sent any
	if err := json.Unmarshal(body, &sent); err != nil {
		p.add("json_invalid", at(0), "JSON decode error", map[string]any{}, `{"error":"Expecting value"}`)
		return in
	}
	fields, ok := sent.(map[string]any)
	if !ok {
		p.add("model_attributes_type", at(), "Input should be a valid dictionary or object to extract fields from", sent, "")
		return in
	}
	switch name := fields["name"].(type) {
	case nil:
		if _, there := fields["name"]; create && there {
			p.add("string_type", at("name"), notString, nil, "")
		} else if create {
			p.add("missing", at("name"), "Field required", fields, "")
		}
	case string:
		in.name = &name
		if name == "" {
			p.add("string_too_short", at("name"), "String should have at least 1 character", name, `{"min_length":1}`)
		} else if !validText(name) {
			p.add("value_error", at("name"), "Value error, null bytes are not allowed", name, "")
		}
	default:
		p.add("string_type", at("name"), notString, name, "")
	}
	switch metrics := fields["metrics"].(type) {
	case nil:
	case []any:
		in.metrics = []string{}
		for i, m := range metrics {
			slug, ok := m.(string)
			if !ok || !validText(slug) {
				p.add("string_type", at("metrics", i), notString, m, "")
			}
			in.metrics = append(in.metrics, slug)
		}
		if n := len(metrics); n > dashboardMetricsMax {
			p.add("too_long", at("metrics"), fmt.Sprintf("List should have at most %d items after validation, not %d", dashboardMetricsMax, n), metrics,
				fmt.Sprintf(`{"field_type":"List","max_length":%d,"actual_length":%d}`, dashboardMetricsMax, n))
		}
	default:
		p.add("list_type", at("metrics"), "Input should be a valid list", metrics, "")
	}
	if id := fields["organization_id"]; len(p.list) == 0 && create && id != nil {
		p.polar = true
		p.add("organization_token", at("organization_id"), "Setting organization_id is disallowed when using an organization token.", id, "")
	}
	return in
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
	p := &problems{}
	in := parseDashboard(c.input, true, p)
	if !c.invalid(p) {
		c.showBoard(http.StatusCreated, c.w.createDashboard(in))
	}
}

func patchDashboard(c *call) {
	p := &problems{}
	in := parseDashboard(c.input, false, p)
	if c.invalid(p) {
		return
	}
	if n, ok := c.board(); ok {
		c.w.updateDashboard(n, in)
		c.showBoard(http.StatusOK, n)
	}
}

func dropDashboard(c *call) {
	if n, ok := c.board(); ok {
		c.w.deleteDashboard(n)
		c.status = http.StatusNoContent
	}
}
