package worldtest

import (
	jsonv1 "encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
)

// Call sends one request to Polar, and gives the status and body of its answer.
func (h *Harness) Call(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.HTTP.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	if h.Version != "" {
		req.Header.Set("Polar-Version", h.Version)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// Want makes a call that has to be answered with a status, and gives the body if it is an object.
func (h *Harness) Want(t *testing.T, status int, method, path, body string) map[string]any {
	t.Helper()
	got, answer := h.Call(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s %s: %d %s; want %d", method, path, body, got, answer, status)
	}
	var object map[string]any
	if len(answer) > 0 && answer[0] == '{' {
		Decode(t, answer, &object)
	}
	return object
}

// Make creates an object and gives its id.
func (h *Harness) Make(t *testing.T, path, body string) string {
	t.Helper()
	return h.Want(t, http.StatusCreated, http.MethodPost, path, body)["id"].(string)
}

// First finds an object in a list.
func (h *Harness) First(t *testing.T, path string, query url.Values, ok func(map[string]any) bool) map[string]any {
	t.Helper()
	for _, item := range h.All(t, path, query) {
		if ok(item) {
			return item
		}
	}
	t.Fatalf("%s %v: none fits", path, query)
	return nil
}

// NewCustomer makes a customer with an external id that is a path segment of its own.
func NewCustomer[H interface {
	Make(t *testing.T, path, body string) string
}](kind, name string) func(*testing.T, H) string {
	return func(t *testing.T, h H) string {
		t.Helper()
		return h.Make(t, "/v1/customers/", fmt.Sprintf(`{"type":%q,"email":"%s@example.com","external_id":"ext %s","name":"N","metadata":{"n":1.50}}`, kind, name, name))
	}
}

// Fault has Polar misbehave from now on, as polarsim.ParseFault reads it.
func (h *Harness) Fault(t *testing.T, text string) {
	t.Helper()
	f, err := polarsim.ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	h.Server.AddFault(f)
}

// Remove deletes n customers through the API and gives their ids. They are the first of the list.
func (h *Harness) Remove(t *testing.T, n int) (ids []string) {
	t.Helper()
	for _, c := range h.All(t, "/v1/customers/", url.Values{"sorting": {"created_at", "email"}})[:n] {
		id := c["id"].(string)
		h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/customers/"+id, "")
		ids = append(ids, id)
	}
	return ids
}

// List reads the pages of a list over HTTP, in the plainest way there is.
func (h *Harness) List(t *testing.T, path string, query url.Values) (all []map[string]any, total int) {
	t.Helper()
	for page := 1; ; page++ {
		q := url.Values{"limit": {"100"}, "page": {fmt.Sprint(page)}}
		for k, v := range query {
			q[k] = v
		}
		status, body := h.Call(t, http.MethodGet, path+"?"+q.Encode(), "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		var list struct {
			Items      []map[string]any
			Pagination struct {
				TotalCount int `json:"total_count"`
				MaxPage    int `json:"max_page"`
			}
		}
		Decode(t, body, &list)
		all = append(all, list.Items...)
		if page >= list.Pagination.MaxPage {
			return all, list.Pagination.TotalCount
		}
	}
}

// All reads a list until every row that it counts has come, each time with pages of another size: at a border of pages ties
// may hide a row, and the same pages hide it each time.
func (h *Harness) All(t *testing.T, path string, query url.Values) []map[string]any {
	t.Helper()
	var list []map[string]any
	seen := map[any]bool{}
	for n := range 60 {
		q := url.Values{"limit": {fmt.Sprint(100 - n)}}
		maps.Copy(q, query)
		items, total := h.List(t, path, q)
		for _, item := range items {
			if !seen[item["id"]] {
				seen[item["id"]] = true
				list = append(list, item)
			}
		}
		if len(list) == total {
			return list
		}
	}
	t.Fatalf("%s: %d rows never came together", path, len(list))
	return nil
}

// Upstream is all that Polar has of a stream, read without any of syncd's code.
func (h *Harness) Upstream(t *testing.T, s catalog.Entry) []map[string]any {
	t.Helper()
	switch s.Name {
	case "metric_dashboards":
		_, body := h.Call(t, http.MethodGet, s.Path, "")
		var list []map[string]any
		Decode(t, body, &list)
		return list
	case "customer_seats", "license_key_activations", "payment_methods":
		return h.ofOwners(t, s)
	case "events", "balance_events":
		query := url.Values{"sorting": {"timestamp"}}
		maps.Copy(query, s.Query)
		return h.All(t, s.Path, query)
	case "customer_meters":
		all := h.All(t, s.Path, url.Values{"sorting": {"customer_id", "meter_id"}})
		for _, m := range h.All(t, "/v1/meters/", url.Values{"is_archived": {"true"}}) {
			all = append(all, h.All(t, s.Path, url.Values{"meter_id": {m["id"].(string)}, "sorting": {"customer_id"}})...)
		}
		return all
	}
	return h.All(t, s.Path, url.Values{})
}

// ofOwners is all that Polar has of a stream that it lists for one owner at a time.
func (h *Harness) ofOwners(t *testing.T, s catalog.Entry) (all []map[string]any) {
	t.Helper()
	each := func(path, field string) {
		status, body := h.Call(t, http.MethodGet, path, "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		var object map[string]jsontext.Value
		var list []map[string]any
		Decode(t, body, &object)
		Decode(t, object[field], &list)
		all = append(all, list...)
	}
	switch s.Name {
	case "customer_seats":
		for _, o := range h.All(t, "/v1/subscriptions/", nil) {
			if o["seats"] != nil {
				each("/v1/customer-seats?subscription_id="+o["id"].(string), "seats")
			}
		}
		for _, o := range h.All(t, "/v1/orders/", nil) {
			if o["seats"] != nil && o["subscription_id"] == nil {
				each("/v1/customer-seats?order_id="+o["id"].(string), "seats")
			}
		}
	case "license_key_activations":
		for _, key := range h.All(t, "/v1/license-keys/", nil) {
			each("/v1/license-keys/"+key["id"].(string), "activations")
		}
	case "payment_methods":
		for _, c := range h.All(t, "/v1/customers/", nil) {
			all = append(all, h.All(t, "/v1/customers/"+c["id"].(string)+"/payment-methods", nil)...)
		}
	}
	return all
}

// Decode reads JSON, numbers as they are written.
func Decode(t *testing.T, body []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(body, v, asWritten); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
}

// asWritten reads what is not typed by tree. Whole worlds are read again and again to compare them, which encoding/json does in
// twice the time.
var asWritten = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), json.MatchCaseInsensitiveNames(true),
	json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *any) (err error) {
		*v, err = tree(d)
		return err
	})))

// tree reads one value.
func tree(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		object := map[string]any{}
		_, err := d.ReadToken()
		for err == nil && d.PeekKind() != '}' {
			var name jsontext.Token
			if name, err = d.ReadToken(); err != nil {
				break
			}
			key := name.String()
			object[key], err = tree(d)
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return object, err
	case '[':
		list := []any{}
		_, err := d.ReadToken()
		for err == nil && d.PeekKind() != ']' {
			var element any
			element, err = tree(d)
			list = append(list, element)
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return list, err
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '"':
		return token.String(), nil
	case '0':
		return jsonv1.Number(token.String()), nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}
