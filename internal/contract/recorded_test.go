package contract_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/contract"
	"syncd/internal/polarsim/recorded"
)

// replay answers as the real server was recorded; what was not recorded another server answers.
type replay struct {
	samples   map[string]contract.Sample     // by path: lists
	exchanges map[string][]recorded.Exchange // by request, or by path with {id} for the first id
	otherwise http.Handler
	replayed  int
}

func newReplay(t *testing.T, samples []contract.Sample, otherwise http.Handler) *replay {
	t.Helper()
	r := &replay{samples: map[string]contract.Sample{}, exchanges: map[string][]recorded.Exchange{}, otherwise: otherwise}
	for _, s := range samples {
		r.samples[s.Path] = s
	}
	edges, err := recorded.Errors()
	if err != nil {
		t.Fatal(err)
	}
	gets, err := recorded.Gets()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edges {
		key := e.Request.String() + " " + e.Request.Authorization + " " + e.Request.Headers["Polar-Version"]
		r.exchanges[key] = append(r.exchanges[key], e)
	}
	for _, e := range gets {
		if e.Status == http.StatusOK {
			key := template(e.Request.Path)
			r.exchanges[key] = append(r.exchanges[key], e)
		}
	}
	return r
}

// template is a path without its query and its first id.
func template(path string) string {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	if len(segments) > 3 && len(segments[3]) == len("00000000-0000-4000-8000-000000000000") {
		segments[3] = "{id}"
	}
	return strings.Join(segments, "/")
}

func (r *replay) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	e, known := r.find(req)
	if !known {
		r.otherwise.ServeHTTP(rw, req)
		return
	}
	r.replayed++
	for name, value := range e.Headers {
		rw.Header().Set(name, value)
	}
	rw.WriteHeader(e.Status)
	_, _ = rw.Write([]byte(e.Body)) // the client is gone
}

func (r *replay) find(req *http.Request) (e recorded.Exchange, known bool) {
	authorization, asked := "wrong", req.Header.Get("Polar-Version")
	switch req.Header.Get("Authorization") {
	case "":
		authorization = "none"
	case "Bearer " + token:
		authorization = "valid"
	}
	if asked == version {
		asked = ""
	}
	key := req.Method + " " + req.URL.RequestURI() + " " + authorization + " " + asked
	if len(r.exchanges[key]) == 0 {
		key = template(req.URL.Path)
	}
	if list := r.exchanges[key]; len(list) > 0 {
		r.exchanges[key] = append(list[1:], list[0]) // each in its turn
		return list[0], true
	}
	query := req.URL.Query()
	if name, is := strings.CutSuffix(strings.TrimPrefix(req.URL.Path, "/v1/"), "/export"); is && authorization == "valid" && !query.Has("columns") {
		file, err := recorded.Export(name)
		return recorded.Exchange{Status: http.StatusOK, Body: string(file), Headers: map[string]string{
			"content-type": "text/csv; charset=utf-8", "cache-control": "private, no-store", "polar-version": version,
		}}, err == nil
	}
	if s, listed := r.samples[req.URL.Path]; listed && authorization == "valid" && query.Get("limit") == "100" && !query.Has("name") {
		return page(s)
	}
	return e, false
}

// page is a list of all items that were recorded. They were taken from several pages, so they are sorted again.
func page(s contract.Sample) (e recorded.Exchange, known bool) {
	items, err := recorded.List(s.List)
	if err != nil {
		return e, false
	}
	field, falling := strings.CutPrefix(s.Sort, "-")
	slices.SortStableFunc(items, func(a, b json.RawMessage) int {
		if falling {
			a, b = b, a
		}
		return timeIn(a, field).Compare(timeIn(b, field))
	})
	body, err := json.Marshal(map[string]any{"items": items, "pagination": map[string]int{"total_count": len(items), "max_page": 1}})
	return recorded.Exchange{Status: http.StatusOK, Body: string(body), Headers: map[string]string{
		"content-type": "application/json", "cache-control": "private, no-store", "polar-version": version,
	}}, err == nil
}

func timeIn(item json.RawMessage, field string) (at time.Time) {
	var o map[string]json.RawMessage
	if json.Unmarshal(item, &o) == nil {
		_ = json.Unmarshal(o[field], &at) // null: zero
	}
	return at
}

// The simulator makes what the real server makes, and no more: every shape of an item was recorded or is named, and every one
// recorded is made or is named. Nothing is named that is not so.
func TestRecordedServerDiffersOnlyAsKnown(t *testing.T) {
	t.Parallel()
	here := simulated(t)
	samples := append(slices.Clone(here.samples),
		contract.Sample{List: "event_types", Path: "/v1/event-types/"},
		contract.Sample{List: "webhook_deliveries", Path: "/v1/webhooks/deliveries"})
	there := newView()
	r := newReplay(t, samples, here.server)
	look(t, r, there, nil, 3, samples)
	states, err := recorded.States()
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		there.Shapes.AddItem("states", state)
	}
	report := contract.Compare(samples, there, here.view)
	for _, d := range report.Differences {
		t.Errorf("the real server differs: %+v", d)
	}
	for _, d := range report.Unseen {
		t.Errorf("the simulator makes what was not recorded: %+v", d)
	}
	if r.replayed < 150 || len(report.Uncompared) > 2 {
		t.Errorf("%d answers were replayed; %+v", r.replayed, report.Uncompared)
	}
	used(t, contract.OnlyReal(), there.Shapes.NotIn(here.view.Shapes))
	used(t, contract.OnlySimulated(), here.view.Shapes.NotIn(there.Shapes))
}

// used fails for exceptions that name nothing.
func used(t *testing.T, known contract.Exceptions, found []contract.Shape) {
	t.Helper()
	names := map[string]bool{}
	for _, x := range found {
		for _, pattern := range known.MatchingPatterns(x) {
			names[pattern] = true
		}
	}
	for _, e := range known {
		for _, pattern := range e.Shapes {
			if !names[pattern] {
				t.Errorf("nothing is left of %s (%s)", pattern, e.Why)
			}
		}
	}
}
