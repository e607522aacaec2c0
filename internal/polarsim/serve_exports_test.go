package polarsim

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// table reads an export: its header, and its records by header name.
func table(t testing.TB, h http.Handler, target string) (header []string, rows []map[string]string) {
	t.Helper()
	res, body := do(t, h, "GET", target, "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Fatalf("GET %s: %d %s %.200s", target, res.StatusCode, res.Header.Get("Content-Type"), body)
	}
	return parseTable(t, body)
}

func parseTable(t testing.TB, body string) (header []string, rows []map[string]string) {
	t.Helper()
	if !strings.HasSuffix(body, "\r\n") {
		t.Fatalf("no end of line at the end: %.80q", body)
	}
	all, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, f := range fields {
			row[all[0][i]] = f
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

func TestExportsHoldTheLists(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 5, Customers: 150})
	s := NewServer(w, ServerOptions{StableTies: true})

	header, customers := table(t, s, "/v1/customers/export")
	if want := "ID,External ID,Created At,Email,Name,Tax ID,Billing Address Line 1,Billing Address Line 2,Billing Address City,Billing Address State,Billing Address Zip,Billing Address Country,Metadata"; strings.Join(header, ",") != want {
		t.Errorf("customers: header %q", header)
	}
	byID := map[string]map[string]string{}
	for _, c := range customers {
		byID[c["ID"]] = c
	}
	live := all(t, s, "/v1/customers/")
	if len(live) != len(byID) {
		t.Errorf("%d customers exported, %d listed", len(byID), len(live))
	}
	for _, c := range live {
		row := byID[c["id"].(string)]
		if row == nil || row["Email"] != text(c["email"]) || row["Name"] != text(c["name"]) || row["External ID"] != text(c["external_id"]) || !sameTime(row["Created At"], text(c["created_at"])) {
			t.Errorf("customer %v exported as %v", c, row)
		}
		if id, ok := c["tax_id"].([]any); ok && row["Tax ID"] != "('"+text(id[0])+"', <TaxIDFormat."+text(id[1])+": '"+text(id[1])+"'>)" {
			t.Errorf("tax id %v as %q", id, row["Tax ID"])
		}
		if metadata := c["metadata"].(map[string]any); (len(metadata) == 0) != (row["Metadata"] == "") || strings.ContainsFunc(row["Metadata"], func(r rune) bool { return r > 126 }) {
			t.Errorf("metadata %v as %q", metadata, row["Metadata"])
		}
	}

	header, orders := table(t, s, "/v1/orders/export")
	if want := "Email,Created At,Product,Net Amount,Currency,Status,Invoice number"; strings.Join(header, ",") != want {
		t.Errorf("orders: header %q", header)
	}
	listed := all(t, s, "/v1/orders/")
	if len(orders) != len(listed) {
		t.Fatalf("%d orders exported, %d listed", len(orders), len(listed))
	}
	for i, o := range listed { // newest first, both
		row := orders[i]
		if !sameTime(row["Created At"], text(o["created_at"])) {
			t.Fatalf("order %d: %v exported as %v", i, o["created_at"], row)
		}
		if row["Invoice number"] == text(o["invoice_number"]) && row["Invoice number"] != "" && (row["Net Amount"] != python(o["net_amount"].(float64)/100) || row["Status"] != o["status"]) {
			t.Errorf("order %v exported as %v", o, row)
		}
	}

	header, subscriptions := table(t, s, "/v1/subscriptions/export")
	if want := "Email,Started At,Product,Amount,Currency,Status,Billing Interval"; strings.Join(header, ",") != want {
		t.Errorf("subscriptions: header %q", header)
	}
	if n := len(all(t, s, "/v1/subscriptions/")); len(subscriptions) != n {
		t.Errorf("%d subscriptions exported, %d listed", len(subscriptions), n)
	}
	if !slices.ContainsFunc(subscriptions, func(r map[string]string) bool { return r["Billing Interval"] == "3 months" }) {
		t.Error("no interval of more than one unit")
	}
}

func python(v float64) string { return string(appendPython(nil, v)) }

func sameTime(exported, listed string) bool {
	a, err1 := time.Parse(time.RFC3339Nano, exported)
	b, err2 := time.Parse(time.RFC3339Nano, listed)
	return errors.Join(err1, err2) == nil && a.Equal(b) && (strings.Contains(exported, ".") == strings.Contains(listed, "."))
}

func TestExportParameters(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 11, Customers: 150})
	s := NewServer(w, ServerOptions{StableTies: true})
	header, rows := table(t, s, "/v1/orders/export?columns=total_amount&columns=invoice_number&columns=created_at&columns=currency&timezone=Asia/Kathmandu")
	if got := strings.Join(header, ","); got != "Total,Invoice number,Created At,Currency" {
		t.Errorf("columns: %s", got)
	}
	yen := false
	for _, r := range rows {
		if !strings.HasSuffix(r["Created At"], "+05:45") {
			t.Fatalf("zone: %q", r["Created At"])
		}
		if !strings.Contains(r["Total"], ".") {
			t.Fatalf("no float: %q", r["Total"])
		}
		yen = yen || r["Currency"] == "jpy" && !strings.HasSuffix(r["Total"], ".0")
	}
	if !yen {
		t.Error("yen are not divided by 100")
	}
	res, body := do(t, s, "GET", "/v1/orders/export?columns=invoice_number&status=draft", "")
	if lines := strings.Split(body, "\r\n"); res.StatusCode != 200 || len(lines) < 3 || lines[1] != `""` {
		t.Errorf("a single empty field: %q", body)
	}
	for target, file := range map[string]string{
		"/v1/orders/export":        "polar-orders.csv",
		"/v1/customers/export":     "polar-customers.csv",
		"/v1/subscriptions/export": "polar-subscriptions.csv",
		"/v1/orders/export?created_after=2026-01-31T23:30:00Z&created_before=2026-03-01T00:00:00Z&timezone=Europe/Paris": "polar-orders-2026-02-01-2026-03-01.csv",
		"/v1/subscriptions/export?started_before=2026-03-01T00:00:00Z&status=active&cancel_at_period_end=false":          "polar-subscriptions-2026-03-01.csv",
		"/v1/metrics/export?start_date=2026-10-01&end_date=2026-10-03&interval=day&metrics=revenue&metrics=churn_rate":   "polar-metrics.csv",
	} {
		res, body := do(t, s, "GET", target, "")
		if got := res.Header.Get("Content-Disposition"); res.StatusCode != 200 || got != `attachment; filename="`+file+`"` || res.Header.Get("Content-Length") != "" {
			t.Errorf("%s: %d %s %s", target, res.StatusCode, got, body)
		}
	}
	middle := text(all(t, s, "/v1/orders/?sorting=created_at")[300]["created_at"])
	_, part := table(t, s, "/v1/orders/export?status=paid&created_after="+middle)
	if n := list1(t, s, "/v1/orders/?status=paid&created_after="+middle).Pagination.TotalCount; len(part) != n || n == 0 {
		t.Errorf("%d paid orders after %s exported, %d listed", len(part), middle, n)
	}
	header, periods := table(t, s, "/v1/metrics/export?start_date=2026-10-01&end_date=2026-10-03&interval=day&metrics=churn_rate&metrics=revenue&timezone=America/New_York")
	if strings.Join(header, ",") != "Timestamp,Churn Rate,Revenue" || len(periods) != 3 || periods[0]["Timestamp"] != "2026-10-01T04:00:00+00:00" {
		t.Errorf("metrics: %v %v", header, periods)
	}
	for _, bad := range []string{
		"/v1/orders/export?columns=id", "/v1/orders/export?timezone=Mars/Olympus", "/v1/orders/export?created_after=2026-01-01T00:00:00", "/v1/orders/export?status=lost",
		"/v1/subscriptions/export?columns=total_amount", "/v1/subscriptions/export?started_before=soon", "/v1/metrics/export?start_date=2026-10-01", "/v1/customers/export?organization_id=x",
	} {
		if res, body := do(t, s, "GET", bad, ""); res.StatusCode != 422 || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", bad, res.StatusCode, body)
		}
	}
	if _, rows := table(t, s, "/v1/customers/export?organization_id=00000000-0000-4000-8000-000000000000"); len(rows) != 0 {
		t.Errorf("%d customers of another organization", len(rows))
	}
}

// What csv.writer(dialect="excel"), json.dumps and repr of CPython 3.13 give.
func TestPythonForms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "a,b": `"a,b"`, `say "x"`: `"say ""x"""`, "line\nline": "\"line\nline\"", "cr\r": "\"cr\r\"", " padded ": " padded ", "=1+1": "=1+1", "'": "'", "tab\t": "tab\t",
	} {
		r := record{}
		r.begin()
		r.text(in)
		r.text("")
		if r.end(); string(r.b) != want+",\r\n" {
			t.Errorf("%q: %q, not %q", in, r.b, want)
		}
	}
	for minor, want := range map[int64]string{1000: "10.0", 90: "0.9", 1999: "19.99", -5: "-0.05", 0: "0.0", 1_000_000_000_000_000_000: "1e+16", 1: "0.01"} {
		r := record{}
		if r.money(minor); string(r.b) != want {
			t.Errorf("%d: %s, not %s", minor, r.b, want)
		}
	}
	for in, want := range map[string]string{
		`{"a":1,"b":[1.0,1e-7,true,null]}`: `{"a": 1, "b": [1.0, 1e-07, true, null]}`, `{"é":"🦊\n","n":{"x":{}}}`: `{"\u00e9": "\ud83e\udd8a\n", "n": {"x": {}}}`,
		`{"big":340282366920938463463374607431768211456}`: `{"big": 340282366920938463463374607431768211456}`, `{}`: "", "": "",
	} {
		if got := pythonJSON(in); got != want {
			t.Errorf("%s: %s, not %s", in, got, want)
		}
	}
}

func TestExportFaults(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 5, Customers: 120}), ServerOptions{StableTies: true})
	front := httptest.NewServer(s)
	defer front.Close()
	get := func(fault, target string) (string, error) {
		t.Helper()
		s.ClearFaults()
		if fault != "" {
			f, err := ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			s.AddFault(f)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d %s", fault, res.StatusCode, body)
		}
		return string(body), err
	}
	whole, err := get("", "/v1/orders/export")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := get("short:value=777", "/v1/orders/export"); err != nil || body != whole[:777] {
		t.Errorf("short: %d bytes, %v", len(body), err)
	}
	if body, err := get("truncate:value=777", "/v1/orders/export"); !errors.Is(err, io.ErrUnexpectedEOF) || body != whole[:777] {
		t.Errorf("truncate: %d bytes, %v", len(body), err)
	}
	body, err := get("rows:value=10", "/v1/orders/export")
	if _, rows := parseTable(t, body); err != nil || len(rows) != 10 || !strings.HasPrefix(whole, body) {
		t.Errorf("rows: %s %v", body, err)
	}
	if body, err := get("gap:for=1ms", "/v1/orders/export"); err != nil || body != whole {
		t.Errorf("gap: %d bytes, %v", len(body), err)
	}
	for fault, want := range map[string][2]string{
		"oldheader":            {"Email,Created At,Product,Amount,Currency,Status,Invoice number", "Email,Created At,Active,Product,Price,Currency,Interval"},
		"column:value=+New":    {"Email,New,Created At,Product,Net Amount,Currency,Status,Invoice number", "Email,New,Started At,Product,Amount,Currency,Status,Billing Interval"},
		"column:value=-Status": {"Email,Created At,Product,Net Amount,Currency,Invoice number", "Email,Started At,Product,Amount,Currency,Billing Interval"},
	} {
		for i, path := range []string{"/v1/orders/export", "/v1/subscriptions/export"} {
			body, err := get(fault, path)
			header, rows := parseTable(t, body)
			if err != nil || strings.Join(header, ",") != want[i] || len(rows) == 0 {
				t.Errorf("%s %s: %q, %d rows, %v", fault, path, header, len(rows), err)
			}
		}
	}
}

func BenchmarkOrdersExport(b *testing.B) {
	s := NewServer(NewWorld(Options{Seed: 1, Orders: 50_000}), ServerOptions{})
	for b.Loop() {
		r := httptest.NewRequest("GET", "/v1/orders/export?timezone=Europe/Paris", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s.ServeHTTP(&sink{header: http.Header{}}, r)
	}
	b.ReportMetric(float64(b.N*50_000)/b.Elapsed().Seconds(), "rows/s")
}
