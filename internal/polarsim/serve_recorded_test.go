package polarsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"syncd/internal/contract"
	"syncd/internal/polarsim/recorded"
)

// recordedVersion is the version that the recorded server answers in where none is asked for.
const recordedVersion = "2026-04"

// otherwise are the requests whose answer is not what was recorded, and why.
var otherwise = map[string]string{}

// The simulator answers at the edges as the real server did.
func TestEdgesAreAsRecorded(t *testing.T) {
	t.Parallel()
	answers, err := recorded.Errors()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 300}), ServerOptions{Token: token})
	exact := 0
	for _, e := range answers {
		if reason, known := otherwise[e.Request.String()]; known {
			if len(differences(t, s, e)) == 0 {
				t.Errorf("%s is answered as recorded, and named as an exception: %s", e.Request, reason)
			}
			continue
		}
		for _, d := range differences(t, s, e) {
			t.Errorf("%s %v (authorization %s): %s", e.Request, e.Request.Headers, e.Request.Authorization, d)
			exact--
		}
		exact++
	}
	t.Logf("%d of %d answers are as recorded", exact, len(answers))
}

// differences asks what was asked and compares the answer with the one recorded.
func differences(t *testing.T, s *Server, e recorded.Exchange) (all []string) {
	t.Helper()
	header := []string{"Polar-Version", recordedVersion}
	switch {
	case e.Request.Authorization == "none":
		header = append(header, "Authorization", "")
	case e.Request.Authorization == "wrong" && strings.Contains(e.Body, "invalid_token"):
		header = append(header, "Authorization", "Bearer polar_oat_nobodys")
	case e.Request.Authorization == "wrong":
		header = append(header, "Authorization", "Basic eDp5")
	}
	for name, value := range e.Request.Headers {
		header = append(header, name, value)
	}
	res, body := do(t, s, e.Request.Method, e.Request.Path, "", header...)
	if res.StatusCode != e.Status {
		return []string{"status " + res.Status + ", recorded " + http.StatusText(e.Status) + ": " + body}
	}
	for _, name := range contract.ComparedHeaders() {
		got, want := res.Header.Get(name), e.Headers[strings.ToLower(name)]
		if name == "Location" {
			got, want = pathOf(got), pathOf(want)
		}
		if got != want {
			all = append(all, name+" is "+got+"\nrecorded "+want)
		}
	}
	switch {
	case e.Request.Method == http.MethodHead: // no body is sent
	case e.Status != http.StatusOK:
		if body != e.Body {
			all = append(all, "body "+body+"\nrecorded "+e.Body)
		}
	default:
		limit := 10
		if u, err := url.Parse(e.Request.Path); err == nil && u.Query().Has("limit") {
			limit, _ = strconv.Atoi(u.Query().Get("limit")) // the recorded server took it
		}
		all = append(all, envelope(body, e.Body, min(limit, 100))...)
	}
	return all
}

func pathOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	return u.RequestURI()
}

// envelope compares a page with one recorded: what is in it is another organization's.
func envelope(got, want string, limit int) (all []string) {
	type answer struct {
		Items      *[]json.RawMessage
		Pagination *struct {
			Total *int `json:"total_count"`
			Pages *int `json:"max_page"`
		}
	}
	var g, w answer
	if err := json.Unmarshal([]byte(got), &g); err != nil || g.Items == nil || g.Pagination == nil || g.Pagination.Total == nil || g.Pagination.Pages == nil {
		return []string{"no page: " + got}
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil { // only the beginning was kept
		if len(*g.Items) == 0 || len(*g.Items) != min(limit, *g.Pagination.Total) || *g.Pagination.Pages != (*g.Pagination.Total+limit-1)/limit {
			all = append(all, "page of another size: "+strconv.Itoa(len(*g.Items))+" of "+strconv.Itoa(*g.Pagination.Total))
		}
		return all
	}
	if len(*g.Items) != len(*w.Items) || (*g.Pagination.Total == 0) != (*w.Pagination.Total == 0) || (*g.Pagination.Pages == 0) != (*w.Pagination.Pages == 0) {
		all = append(all, "page "+got+"\nrecorded "+want)
	}
	if !reflect.DeepEqual(keys(got), keys(want)) {
		all = append(all, "keys of "+got+"\nrecorded "+want)
	}
	return all
}

func keys(object string) map[string]bool {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal([]byte(object), &fields) // no object: no keys
	names := map[string]bool{}
	for name := range fields {
		names[name] = true
	}
	return names
}
