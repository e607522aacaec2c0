package polarsim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// send sends one request to a server that takes any organization token, and gives status and body.
func send(t *testing.T, s http.Handler, method, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer polar_oat_test")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

type dashboardRow struct {
	ID             string   `json:"id"`
	CreatedAt      string   `json:"created_at"`
	ModifiedAt     *string  `json:"modified_at"`
	Name           string   `json:"name"`
	Metrics        []string `json:"metrics"`
	OrganizationID string   `json:"organization_id"`
}

func read[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func TestDashboards(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 3})
	s := NewServer(w, ServerOptions{})
	const path = "/v1/metrics/dashboards"
	status, body := send(t, s, "GET", path, "")
	if status != http.StatusOK {
		t.Fatalf("list: %d %s", status, body)
	}
	before := read[[]dashboardRow](t, body)

	status, body = send(t, s, "POST", path, `{"name":"Naïve \"plan\"","metrics":["orders","made_up"]}`)
	made := read[dashboardRow](t, body)
	if status != http.StatusCreated || made.Name != `Naïve "plan"` || made.ModifiedAt != nil || made.OrganizationID != w.OrganizationID() ||
		cmp.Diff(made.Metrics, []string{"orders", "made_up"}) != "" {
		t.Fatalf("create: %d %s", status, body)
	}
	if status, again := send(t, s, "GET", path+"/"+made.ID, ""); status != http.StatusOK || again != body {
		t.Errorf("get: %d %s, want %s", status, again, body)
	}
	if status, again := send(t, s, "PATCH", path+"/"+made.ID, `{"name":"Naïve \"plan\""}`); status != http.StatusOK || again != body {
		t.Errorf("an update without a change: %d %s, want %s", status, again, body)
	}
	status, body = send(t, s, "PATCH", path+"/"+made.ID, `{"metrics":[]}`)
	changed := read[dashboardRow](t, body)
	if status != http.StatusOK || changed.ModifiedAt == nil || changed.Name != made.Name || changed.Metrics == nil || len(changed.Metrics) != 0 {
		t.Errorf("update: %d %s", status, body)
	}
	if _, body = send(t, s, "GET", path, ""); len(read[[]dashboardRow](t, body)) != len(before)+1 {
		t.Errorf("list after create: %s", body)
	}
	if status, body := send(t, s, "DELETE", path+"/"+made.ID, ""); status != http.StatusNoContent || body != "" {
		t.Errorf("delete: %d %s", status, body)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if status, body := send(t, s, method, path+"/"+made.ID, `{}`); status != http.StatusNotFound || !strings.Contains(body, "ResourceNotFound") {
			t.Errorf("%s after delete: %d %s", method, status, body)
		}
	}
	_, body = send(t, s, "GET", path, "")
	if diff := cmp.Diff(before, read[[]dashboardRow](t, body)); diff != "" {
		t.Errorf("list after delete (-before +after):\n%s", diff)
	}
	if status, body := send(t, s, "GET", path+"?organization_id="+made.ID, ""); status != http.StatusOK || body != "[]" {
		t.Errorf("another organization's: %d %s", status, body)
	}

	// The row changed last comes last.
	first := before[0].ID
	if status, body := send(t, s, "PATCH", path+"/"+first, `{"name":"moved"}`); status != http.StatusOK {
		t.Fatalf("update: %d %s", status, body)
	}
	_, body = send(t, s, "GET", path, "")
	if rows := read[[]dashboardRow](t, body); rows[len(rows)-1].ID != first {
		t.Errorf("the changed dashboard is not last: %s", body)
	}
}

func TestDashboardsRefused(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 3})
	s := NewServer(w, ServerOptions{})
	const path = "/v1/metrics/dashboards"
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", path, `{}`, `"missing","loc":["body","name"]`},
		{"POST", path, `{"name":""}`, `"string_too_short","loc":["body","name"]`},
		{"POST", path, `{"name":7}`, `"string_type","loc":["body","name"]`},
		{"POST", path, `[]`, `"model_attributes_type","loc":["body"]`},
		{"POST", path, `{`, `"json_invalid","loc":["body",0]`},
		{"POST", path, `{"name":"x","metrics":"orders"}`, `"list_type","loc":["body","metrics"]`},
		{"POST", path, `{"name":"x","metrics":["orders",1]}`, `"string_type","loc":["body","metrics",1]`},
		{"POST", path, `{"name":"x","metrics":["1","2","3","4","5","6","7","8","9","10","11"]}`, `"too_long","loc":["body","metrics"]`},
		{"POST", path, `{"name":"x","organization_id":"` + w.OrganizationID() + `"}`, `"organization_token","loc":["body","organization_id"]`},
		{"PATCH", path + "/" + w.id(KindDashboard, 0).String(), `{"name":""}`, `"string_too_short","loc":["body","name"]`},
		{"GET", path + "/x", ``, `"uuid_parsing","loc":["path","id"]`},
		{"GET", path + "?organization_id=x", ``, `"uuid_parsing","loc":["query","organization_id"`},
	} {
		status, body := send(t, s, c.method, c.path, c.body)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, `"type":`+c.want) {
			t.Errorf("%s %s %s: %d %s, want 422 with %s", c.method, c.path, c.body, status, body, c.want)
		}
	}
	if n := len(w.listedDashboards()); n != len(w.dashboards) {
		t.Errorf("%d dashboards, %d listed after refusals", len(w.dashboards), n)
	}
}

func TestMetricsOverHTTP(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 6, Customers: 40})
	s := NewServer(w, ServerOptions{})
	if status, body := send(t, s, "GET", "/v1/metrics/limits", ""); status != http.StatusOK || body != `{"min_date":"2023-01-01","intervals":{"hour":{"min_days":0,`+
		`"max_days":7},"day":{"min_days":0,"max_days":366},"week":{"min_days":14,"max_days":371},"month":{"min_days":60,"max_days":1460},"year":{"min_days":366,"max_days":3650}}}` {
		t.Errorf("limits: %d %s", status, body)
	}
	const query = "/v1/metrics/?start_date=2026-09-15&end_date=2026-10-15&interval=day&metrics=orders&metrics=cumulative_revenue"
	status, first := send(t, s, "GET", query, "")
	if status != http.StatusOK || len(read[metricsAnswer](t, first).Periods) != 31 {
		t.Fatalf("metrics: %d %s", status, first)
	}
	if _, again := send(t, s, "GET", query, ""); again != first {
		t.Errorf("the same question has another answer:\n%s\n%s", first, again)
	}
	if _, reordered := send(t, s, "GET", "/v1/metrics/?metrics=cumulative_revenue&metrics=orders&end_date=2026-10-15&interval=day&start_date=2026-09-15", ""); reordered != first {
		t.Errorf("the order of parameters changes the answer: %s", reordered)
	}
	if status, body := send(t, s, "GET", query+"&metrics=luck", ""); status != http.StatusUnprocessableEntity || !strings.Contains(body, "PolarRequestValidationError") {
		t.Errorf("an unknown metric: %d %s", status, body)
	}
	if status, _ := send(t, s, "GET", strings.Replace(query, "metrics/", "metrics", 1), ""); status != http.StatusTemporaryRedirect {
		t.Errorf("without the trailing slash: %d", status)
	}

	reader := NewServer(w, ServerOptions{Scopes: []string{"metrics:read"}})
	if status, _ := send(t, reader, "POST", "/v1/metrics/dashboards", `{"name":"x"}`); status != http.StatusForbidden {
		t.Errorf("create with the read scope: %d", status)
	}
	writer := NewServer(w, ServerOptions{Scopes: []string{"metrics:write"}})
	if status, _ := send(t, writer, "GET", "/v1/metrics/dashboards", ""); status != http.StatusForbidden {
		t.Errorf("list with the write scope: %d", status)
	}
}
