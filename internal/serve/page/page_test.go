package page

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"syncd/internal/status"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// healthy is a report on two streams.
func healthy() status.Report {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return status.Report{
		Now: now, Schema: "polar", Organization: "3f2a6f9e-2d6b-4d53-9f1e-0c9a6c1f7a11", AnsweredAt: ago(3 * time.Second), AnsweredAgo: 3 * time.Second,
		Tails:  status.Round{Outcome: "succeeded", StartedAt: ago(40 * time.Second), Interval: "1m", NextAt: now.Add(20 * time.Second)},
		Rounds: []status.Run{{Kind: "tail", Outcome: "succeeded", StartedAt: ago(40 * time.Second), Requests: 4, Updated: 2}, {Kind: "tail", Outcome: "failed", Reason: "502", StartedAt: ago(100 * time.Second)}},
		Runs:   []status.Run{{Stream: "orders", Kind: "sweep", Outcome: "succeeded", StartedAt: ago(time.Hour), FinishedAt: ago(59 * time.Minute), Requests: 120, Inserted: 11}},
		Streams: []status.Stream{
			{Stream: "orders", Outcome: "succeeded", CompleteAt: ago(time.Hour), CurrentAt: ago(40 * time.Second), CoveredBy: []string{"events"}, Rows: 12000, Schedule: "0 3 * * *", NextAt: now.Add(15 * time.Hour)},
			{Stream: "files", Outcome: "succeeded", CompleteAt: ago(2 * time.Hour), CurrentAt: ago(2 * time.Hour), Rows: 139, Schedule: "off"},
			{Stream: "events", Off: "it is off by default"},
		},
		Budget: &status.Budget{Processes: []status.Process{{Process: "host/1/A", Budget: 250, Pace: 250, Used: 25, Requests: map[string]int64{"sweep": 120, "tail": 4}}}},
	}
}

// shown serves a report once, and returns the answer and the text of the page.
func shown(t *testing.T, r status.Report, err error, target string) (*httptest.ResponseRecorder, *html.Node, string) {
	t.Helper()
	r.Judge()
	w := httptest.NewRecorder()
	New(func(context.Context) (status.Report, error) { return r, err }, "1.2.3", slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	document, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range document.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			text.WriteString(n.Data + " ")
		}
	}
	return w, document, strings.Join(strings.Fields(text.String()), " ")
}

func TestPageSaysHowItStands(t *testing.T) {
	t.Parallel()
	changed := func(change func(*status.Report)) status.Report {
		r := healthy()
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		report status.Report
		err    error
		code   int
		want   []string
	}{
		"well": {healthy(), nil, 200, []string{"syncd: all is well", "All is well. 2 of 2 streams are whole. Those that tails follow are current as of 40 s ago or later.",
			"Next round of tails in 20 s every 1m", "25 of 250", "whole orders 12,000 40 s ago 1 h 00 min ago in 15 h 00 min", "whole files 139 2 h 00 min ago 2 h 00 min ago by hand", "Off: events.",
			"Of the last 2, 1 found changes and 1 failed.", "sweep of orders 1 h 00 min ago 1 min 00 s 120 11 0 succeeded", "Drift none", "Deletions held back none", "syncd 1.2.3"}},
		"first copy": {changed(func(r *status.Report) {
			r.Streams[0] = status.Stream{Stream: "orders", Outcome: "running", Missing: "never swept", Sweep: &status.Sweep{Rows: 4000, Total: 12000, Left: 80}}
			r.Streams[1] = status.Stream{Stream: "files", Outcome: "never", Missing: "never swept", WaitsFor: "a sweep of products, its parent stream"}
		}), nil, 200, []string{"The first copy is under way. 0 of 2 streams are whole.", "filling orders not yet", "4,000 of 12,000 rows, about 1 min left", "waiting files", "waits for a sweep of products"}},
		"held and drift": {changed(func(r *status.Report) {
			r.Streams[0].Held, r.Streams[0].HeldRun, r.Streams[0].Missing, r.Drift = 300, 42, "run 42 holds 300 deletions back", 2
		}), nil, 200, []string{"2 things need a look.", "300 rows are no longer listed", "syncd approve-deletions 42 --dry-run", "Deletions held back 300", "Drift 2", "syncd drift", "missing orders"}},
		"broken":           {changed(func(r *status.Report) { r.Polar = "POLAR_ACCESS_TOKEN was refused" }), nil, 200, []string{"syncd: 1 thing is wrong", "POLAR_ACCESS_TOKEN was refused"}},
		"broken and drift": {changed(func(r *status.Report) { r.Polar, r.Drift = "POLAR_ACCESS_TOKEN was refused", 2 }), nil, 200, []string{"1 thing is wrong, and 1 needs a look."}},
		"no database":      {status.Report{}, errors.New("connection refused"), 503, []string{"The status cannot be read. connection refused. syncd tries again by itself"}},
		"empty":            {status.Report{Now: now, Tails: status.Round{Interval: "off"}}, nil, 200, []string{"0 of 0 streams", "Polar last answered not yet", "Next round of tails off", "None yet."}},
	} {
		w, _, text := shown(t, test.report, test.err, "/")
		if w.Code != test.code {
			t.Errorf("%s: %d, want %d", name, w.Code, test.code)
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page lacks %q:\n%s", name, want, text)
			}
		}
	}
}

// A browser may load nothing but the page, and what it shows of Polar's errors is text.
func TestPageIsAlone(t *testing.T) {
	t.Parallel()
	r := healthy()
	r.Streams[0].Missing = `<script>alert(1)</script><img src="https://example.com/x">`
	w, document, text := shown(t, r, nil, "/")
	if !strings.Contains(text, r.Streams[0].Missing) {
		t.Error("a reason is not shown as it is")
	}
	for n := range document.Descendants() {
		if slices.Contains([]string{"script", "img", "iframe", "object", "embed", "form", "base"}, n.Data) && n.Type == html.ElementNode {
			t.Errorf("the page has a %s", n.Data)
		}
		if n.Type == html.ElementNode && n.Data == "style" {
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
				t.Errorf("a browser refuses the style: %s", w.Header().Get("Content-Security-Policy"))
			}
		}
		for _, a := range n.Attr {
			local := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, "data:image/svg+xml,") || strings.HasPrefix(a.Val, "?")
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src") && !local {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
}

func TestPageRefreshesItself(t *testing.T) {
	t.Parallel()
	if w, _, text := shown(t, healthy(), nil, "/"); w.Header().Get("Refresh") != "5" || !strings.Contains(text, "asks again every 5 seconds; stop that") {
		t.Errorf("Refresh: %q", w.Header().Get("Refresh"))
	}
	if w, _, text := shown(t, healthy(), nil, "/?refresh=off"); w.Header().Get("Refresh") != "" || !strings.Contains(text, "stays as it is") {
		t.Errorf("Refresh: %q", w.Header().Get("Refresh"))
	}
}

// However many look, the database is asked once a second; and not for ever by one request.
func TestPageReadsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		p := New(func(ctx context.Context) (status.Report, error) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a read may take for ever")
			}
			reads++
			return healthy(), ctx.Err()
		}, "1", slog.New(slog.DiscardHandler))
		gone, leave := context.WithCancel(t.Context())
		leave()
		for range 3 {
			for range 20 {
				w := httptest.NewRecorder()
				if p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(gone)); w.Code != http.StatusOK {
					t.Fatalf("a caller that hangs up spoils the page for the others: %d", w.Code)
				}
			}
			time.Sleep(kept)
		}
		if reads != 3 {
			t.Errorf("%d reads in three seconds, want 3", reads)
		}
	})
}

// A process has a page for each of its organizations: they share what is parsed.
func TestDocumentsAreParsedOnce(t *testing.T) {
	t.Parallel()
	page, fleet := pageTemplate(), fleetTemplate()
	if page != pageTemplate() || fleet != fleetTemplate() {
		t.Error("each page is parsed anew")
	}
}
