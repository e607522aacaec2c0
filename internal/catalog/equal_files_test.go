package catalog_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/worldtest"
)

// exported is what the columns of a file are in the table: "Header=column kind". The times, numbers and truth values of a
// file are compared as such, all else as text.
var exported = map[string][]string{
	"customers": {"ID=id", "External ID=external_id", "Created At=created_at time", "Email=email", "Name=name", "Tax ID=tax_id_text",
		"Billing Address Line 1=billing_line1", "Billing Address Line 2=billing_line2", "Billing Address City=billing_city",
		"Billing Address State=billing_state", "Billing Address Zip=billing_postal_code", "Billing Address Country=billing_country", "Metadata=metadata json"},
	"orders": {"Email=email", "Created At=created_at time", "Product=product", "Net Amount=net_amount money", "Currency=currency", "Status=status",
		"Invoice number=invoice_number", "Customer Name=customer_name", "Billing Name=billing_name", "Billing Country=billing_country",
		"Subtotal=subtotal_amount money", "Discount=discount_amount money", "Tax=tax_amount money", "Total=total_amount money",
		"Refunded Amount=refunded_amount money", "Billing Reason=billing_reason"},
	"subscriptions": {"Email=email", "Started At=started_at time", "Product=product", "Amount=amount money", "Currency=currency", "Status=status",
		"Billing Interval=recurring_interval", "Customer Name=customer_name", "Billing Name=billing_name", "Billing Country=billing_country",
		"Net Amount=net_amount money", "Discount=discount", "Seats=seats number", "Current Period Start=current_period_start time",
		"Current Period End=current_period_end time", "Cancels At Period End=cancel_at_period_end bool", "Canceled At=canceled_at time",
		"Ends At=ends_at time", "Ended At=ended_at time", "Cancellation Reason=cancellation_reason", "Trial Start=trial_start time", "Trial End=trial_end time"},
}

// equalFiles demands that the tables of the exports hold what the files say, field by field, and nothing else. The rows
// isAnonymized tells by an address that its customer is anonymized.
func isAnonymized(address string) bool { return strings.HasSuffix(address, "@anonymized.invalid") }

// clearedIn are the columns of a table that are empty for a customer whom Polar has anonymized.
func clearedIn(table string) map[string]catalog.Treatment {
	for _, o := range catalog.Owners() {
		if o.Table == table {
			return o.Columns
		}
	}
	return nil
}

// of two of them have no id, so what is compared are multisets.
func (h *harness) equalFiles(t *testing.T) {
	t.Helper()
	for name, pairs := range exported {
		query := url.Values{}
		for _, pair := range pairs {
			_, column, _ := strings.Cut(pair, "=")
			column, _, _ = strings.Cut(column, " ")
			query.Add("columns", column)
		}
		if name == "customers" { // takes no choice
			query = nil
		}
		file := h.file(t, "/v1/"+name+"/export", query)
		var want, got []string
		cleared, email := clearedIn(name+"_export"), slices.Index(file[0], "Email")
		for _, record := range file[1:] {
			erased := email >= 0 && isAnonymized(record[email])
			fields := make([]string, len(pairs))
			for i, pair := range pairs {
				header, column, _ := strings.Cut(pair, "=")
				at := slices.Index(file[0], header)
				if at < 0 {
					t.Fatalf("the export of %s has no %q: %q", name, header, file[0])
				}
				column, kind, _ := strings.Cut(column, " ")
				if erased && cleared[column] != "" {
					record[at] = ""
				}
				fields[i] = header + " " + canonical(t, kind, record[at])
			}
			want = append(want, strings.Join(fields, " | "))
		}
		for _, row := range h.Stored(t, name+"_export", "_deleted_at IS NULL") {
			if address, _ := row["email"].(string); isAnonymized(address) { // nobody knows yet whose row it is
				for column := range cleared {
					row[column] = nil
				}
			}
			fields := make([]string, len(pairs))
			for i, pair := range pairs {
				header, column, _ := strings.Cut(pair, "=")
				column, kind, _ := strings.Cut(column, " ")
				if kind == "money" { // the file's own figure; the whole number beside it is that in hundredths
					if major, minor := row[column+"_major"], row[column]; (major == nil) != (minor == nil) || major != nil && !hundredths(fmt.Sprint(major), fmt.Sprint(minor)) {
						t.Errorf("%s_export: %s is %v where the file says %v", name, column, minor, major)
					}
					column += "_major"
				}
				fields[i] = header + " " + canonical(t, kind, cell(t, row[column]))
			}
			got = append(got, strings.Join(fields, " | "))
		}
		alikeSets(t, name+"_export", got, want)
	}
	var want []string
	for interval, windows := range h.windows(t) {
		for _, w := range windows {
			file := h.file(t, "/v1/metrics/export", w)
			for _, record := range file[1:] {
				start := canonical(t, "time", record[0])
				for i, name := range file[0] {
					if i > 0 && record[i] != "" {
						want = append(want, interval+" "+start+" "+name+" "+record[i])
					}
				}
			}
		}
	}
	alikeSets(t, "metrics_export", h.figures(t, "metrics_export", "display_name"), want)
}

// equalMetrics demands that the table holds each figure that the API gives, and nothing else.
func (h *harness) equalMetrics(t *testing.T) {
	t.Helper()
	var want []string
	for interval, windows := range h.windows(t) {
		for _, w := range windows {
			_, body := h.Call(t, http.MethodGet, "/v1/metrics/?"+w.Encode(), "")
			var answer struct {
				Periods []map[string]any
				Metrics map[string]struct {
					Type string `json:"type"`
					Name string `json:"display_name"`
				}
			}
			worldtest.Decode(t, body, &answer)
			for _, p := range answer.Periods {
				start := canonical(t, "time", cell(t, p["timestamp"]))
				for slug, value := range p {
					if slug != "timestamp" && value != nil {
						about := answer.Metrics[slug]
						want = append(want, strings.Join([]string{interval, start, slug, about.Type, about.Name, cell(t, value)}, " "))
					}
				}
			}
		}
	}
	alikeSets(t, "metrics", h.figures(t, "metrics", "slug, type, display_name"), want)
}

// figures are the rows of a table of figures, their digits as Polar sent them.
func (h *harness) figures(t *testing.T, table, about string) []string {
	t.Helper()
	return h.Texts(t, `SELECT concat_ws(' ', "interval", to_char(period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), `+about+`, value)
		FROM `+table+` WHERE _deleted_at IS NULL`)
}

// windows are the requests that give every figure since the organization began: as many days as Polar gives each, and all months in one. They are those of
// the mirror, since what subscriptions in other currencies bring in depends on the range that was asked for.
func (h *harness) windows(t *testing.T) map[string][]url.Values {
	t.Helper()
	began, err := time.Parse(time.RFC3339Nano, cell(t, h.All(t, "/v1/organizations/", nil)[0]["created_at"]))
	if err != nil {
		t.Fatal(err)
	}
	window := func(interval string, from, to time.Time) url.Values {
		return url.Values{"interval": {interval}, "start_date": {from.Format(time.DateOnly)}, "end_date": {to.Format(time.DateOnly)}, "timezone": {"UTC"}}
	}
	_, body := h.Call(t, http.MethodGet, "/v1/metrics/limits", "")
	var limits struct {
		MinDate string `json:"min_date"`
	}
	worldtest.Decode(t, body, &limits)
	earliest, err := time.Parse(time.DateOnly, limits.MinDate)
	if err != nil {
		t.Fatal(err)
	}
	if began.Before(earliest) {
		began = earliest
	}
	first, today := time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC), h.World.Now().UTC().Truncate(24*time.Hour)
	all := map[string][]url.Values{"month": {window("month", first, today)}}
	for from := first; !from.After(today); from = from.AddDate(0, 0, 367) {
		to := from.AddDate(0, 0, 366)
		if to.After(today) {
			to = today
		}
		all["day"] = append(all["day"], window("day", from, to))
	}
	return all
}

func (h *harness) file(t *testing.T, path string, query url.Values) [][]string {
	t.Helper()
	status, body := h.Call(t, http.MethodGet, path+"?"+query.Encode(), "")
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || status != http.StatusOK || len(records) < 2 {
		t.Fatalf("GET %s: %d, %d records, %v", path, status, len(records), err)
	}
	return records
}

// cell is a value of a row as the file would have it; "" for null.
func cell(t *testing.T, v any) string {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	// The reader of the standard library takes CR LF inside quotes for LF.
	return strings.ReplaceAll(fmt.Sprint(v), "\r\n", "\n")
}

// canonical is one way to write a value.
func canonical(t *testing.T, kind, text string) string {
	t.Helper()
	if text == "" {
		return "-"
	}
	switch kind {
	case "time":
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC().Format(time.RFC3339Nano)
	case "number", "money":
		n, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("no number: %q", text)
		}
		return n.RatString()
	case "bool":
		return strings.ToLower(text)
	case "json":
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return text
}

func hundredths(major, minor string) bool {
	a, ok1 := new(big.Rat).SetString(major)
	b, ok2 := new(big.Rat).SetString(minor)
	return ok1 && ok2 && a.Mul(a, big.NewRat(100, 1)).Cmp(b) == 0
}

func alikeSets(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 {
		t.Errorf("%s: there is nothing to compare", what)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s: %d rows, Polar gives %d; the first that differs:\n%s\n%s", what, len(got), len(want), at(got, i), at(want, i))
			return
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "none"
}
