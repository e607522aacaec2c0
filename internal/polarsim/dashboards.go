package polarsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// dashboardMetricsMax is how many metrics a dashboard may show (MetricDashboardCreate in polarsource/polar, server/polar/metrics/schemas.py). Which
// they are is not checked upstream.
const dashboardMetricsMax = 10

// appendDashboards writes the list, a bare array. Polar asks for no order, so a changed row comes last, where Postgres puts its new version.
func (w *World) appendDashboards(b []byte) []byte {
	rows := make([]int, 0, len(w.dashboards))
	for n := range w.dashboards {
		if !w.dashboards[n].Deleted {
			rows = append(rows, n)
		}
	}
	written := func(n int) Time { return max(w.dashboards[n].CreatedAt, w.dashboards[n].ModifiedAt) }
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(written(a), written(b)) })
	b = append(b, '[')
	for i, n := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendDashboard(b, n)
	}
	return append(b, ']')
}

func (w *World) appendDashboard(b []byte, n int) []byte {
	d, o := &w.dashboards[n], object{b: b}
	o.open()
	o.time("created_at", d.CreatedAt)
	o.time("modified_at", d.ModifiedAt)
	o.id("id", w.id(KindDashboard, n))
	o.str("name", d.Name)
	list(&o, "metrics", d.Metrics, func(o *object, slug string) { o.b = appendString(o.b, slug) })
	o.id("organization_id", w.id(KindOrganization, 0))
	o.close()
	return o.b
}

// dashboard finds the row of an id that is not deleted.
func (w *World) dashboard(id ID) (n int, ok bool) {
	n, ok = w.keys.number(KindDashboard, id)
	return n, ok && n < len(w.dashboards) && !w.dashboards[n].Deleted
}

// dashboardInput is the body of a create or an update; nil is a field that was not sent.
type dashboardInput struct {
	name    *string
	metrics []string
}

// parseDashboard reads a body. refused is the error name of the 422 that the problems get.
func parseDashboard(body []byte, create bool) (in dashboardInput, refused string, problems []metricsProblem) {
	fail := func(kind, msg string, input any, ctx map[string]any, loc ...any) {
		problems = append(problems, metricsProblem{Type: kind, Loc: append([]any{"body"}, loc...), Msg: msg, Input: input, Ctx: ctx})
	}
	var sent any
	if err := json.Unmarshal(body, &sent); err != nil {
		fail("json_invalid", "JSON decode error", map[string]any{}, map[string]any{"error": err.Error()}, 0)
		return in, "RequestValidationError", problems
	}
	fields, ok := sent.(map[string]any)
	if !ok {
		fail("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", sent, nil)
		return in, "RequestValidationError", problems
	}
	switch name := fields["name"].(type) {
	case nil:
		if _, there := fields["name"]; create && there {
			fail("string_type", "Input should be a valid string", nil, nil, "name")
		} else if create {
			fail("missing", "Field required", fields, nil, "name")
		}
	case string:
		in.name = &name
		if name == "" {
			fail("string_too_short", "String should have at least 1 character", name, map[string]any{"min_length": 1}, "name")
		} else if !validText(name) {
			fail("value_error", "Value error, null bytes are not allowed", name, nil, "name")
		}
	default:
		fail("string_type", "Input should be a valid string", name, nil, "name")
	}
	switch metrics := fields["metrics"].(type) {
	case nil:
	case []any:
		in.metrics = []string{}
		for i, m := range metrics {
			slug, ok := m.(string)
			if !ok || !validText(slug) {
				fail("string_type", "Input should be a valid string", m, nil, "metrics", i)
			}
			in.metrics = append(in.metrics, slug)
		}
		if n := len(metrics); n > dashboardMetricsMax {
			fail("too_long", fmt.Sprintf("List should have at most %d items after validation, not %d", dashboardMetricsMax, n), metrics,
				map[string]any{"field_type": "List", "max_length": dashboardMetricsMax, "actual_length": n}, "metrics")
		}
	default:
		fail("list_type", "Input should be a valid list", metrics, nil, "metrics")
	}
	if len(problems) > 0 {
		return in, "RequestValidationError", problems
	}
	if create && fields["organization_id"] != nil {
		fail("organization_token", "Setting organization_id is disallowed when using an organization token.", fields["organization_id"], nil, "organization_id")
		return in, "PolarRequestValidationError", problems
	}
	return in, "", nil
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
