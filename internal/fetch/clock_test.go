package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// dated serves an empty list, with a Date that is off by so much, or without one.
func dated(t *testing.T, off *time.Duration) (client *Client, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		w.Header()["Date"] = nil
		if off != nil {
			w.Header().Set("Date", time.Now().Add(*off).UTC().Format(http.TimeFormat))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items":[],"pagination":{"total_count":0,"max_page":0}}`))
	}))
	t.Cleanup(server.Close)
	client, err := New(Config{Server: server.URL, Token: "t", RequestsPerMinute: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, asked
}

// What Polar dates is compared with Polar's clock: the machine's may be wrong.
func TestNowIsPolarsClock(t *testing.T) {
	t.Parallel()
	off := 26 * time.Hour
	client, _ := dated(t, &off)
	if d := time.Until(client.Now()); d.Abs() > time.Minute {
		t.Errorf("before an answer: %v beside the clock of the machine", d)
	}
	for _, off = range []time.Duration{26 * time.Hour, -26 * time.Hour, 0} {
		if _, err := client.Page(t.Context(), "/v1/orders/", url.Values{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Until(client.Now()) - off; d.Abs() > time.Minute {
			t.Errorf("Polar is %v ahead: %v beside its clock", off, d)
		}
		m := client.Moments()
		if d := m[len(m)-1]; d.Polar.Sub(d.Stamp)-off > time.Minute || d.Polar.Sub(d.Stamp) < off {
			t.Errorf("Polar is %v ahead: it is taken to have shown %v at %v", off, d.Polar, d.Stamp)
		}
	}
	silent, _ := dated(t, nil)
	if _, err := silent.Page(t.Context(), "/v1/orders/", url.Values{}); err != nil {
		t.Fatal(err)
	}
	if len(silent.Moments()) > 0 || time.Until(silent.Now()).Abs() > time.Minute {
		t.Error("an answer without a Date told the time")
	}
}

// A request is dated right before it is sent, and not sent where that fails.
func TestDateBy(t *testing.T) {
	t.Parallel()
	off := time.Duration(0)
	client, asked := dated(t, &off)
	at := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	client.DateRequestsBy(func(context.Context) (time.Time, error) { at = at.Add(time.Second); return at, nil })
	for range 2 {
		p, err := client.Page(t.Context(), "/v1/orders/", url.Values{})
		if err != nil || !p.RequestedAt.Equal(at) {
			t.Errorf("requested at %v, %v, want %v", p.RequestedAt, err, at)
		}
	}
	if m := client.Moments(); len(m) == 0 || !m[len(m)-1].Stamp.Equal(at) {
		t.Errorf("%v: the last request was dated %v", m, at)
	}
	broken := errors.New("the database is down")
	client.DateRequestsBy(func(context.Context) (time.Time, error) { return time.Time{}, broken })
	_, err := client.Page(t.Context(), "/v1/orders/", url.Values{})
	if !errors.Is(err, broken) || *asked != 2 || client.Requests() != 2 {
		t.Errorf("%v after %d requests, %d counted, want the failure of the clock after 2", err, *asked, client.Requests())
	}
}

// Retry-After may be a date, which is Polar's too.
func TestRetryAfterIsByPolarsClock(t *testing.T) {
	t.Parallel()
	date := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	resp := &http.Response{Header: http.Header{
		"Date": {date.Format(http.TimeFormat)}, "Retry-After": {date.Add(7 * time.Second).Format(http.TimeFormat)},
	}}
	if got := retryAfter(resp); got != 7*time.Second {
		t.Errorf("wait %v, want 7s", got)
	}
}

// Of a time of Polar's it is told what was surely requested before, whatever became of either clock.
func TestBefore(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return day.Add(time.Duration(seconds) * time.Second) }
	c := &Client{exchange: &exchange{}}
	for _, m := range [][2]int{{0, 100}, {10, 110}, {11, 110}, {9, 109}, {86420, 120}, {86430, 130}, {86440, 128}, {86450, 150}} {
		c.exchange.polar.remember(Moment{at(m[0]), at(m[1])})
	}
	for polar, want := range map[int]int{
		99: -1, 100: 0, 109: 0, 110: 11, 119: 11, // before the clock that dates requests was set a day ahead
		120: 86420, 128: 86420, // when Polar's clock was set back it may be either of two moments
		130: 86440, 149: 86440, 150: 86450, 999: 86450,
	} {
		got := c.StampBefore(at(polar), at(90000))
		if want < 0 && !got.IsZero() || want >= 0 && !got.Equal(at(want)) {
			t.Errorf("before %d of Polar's: %v, want %d", polar, got, want)
		}
	}
	if got := c.StampBefore(at(999), at(20)); !got.Equal(at(11)) {
		t.Errorf("a moment that has not come: %v", got)
	}
	other := &Client{exchange: &exchange{}}
	other.exchange.polar.remember(Moment{at(86500), at(200)})
	for range 3 {
		other.AddMoments(c.Moments())
	}
	if got := other.StampBefore(at(111), at(90000)); len(other.Moments()) != 7 || !got.Equal(at(11)) {
		t.Errorf("%v before 111, of %v", got, other.Moments())
	}
	for n := range 100_000 {
		other.exchange.polar.remember(Moment{at(90000 + n), at(1000 + n)})
	}
	m := other.Moments()
	if len(m) > mostMoments || m[len(m)-1].Stamp.Sub(m[len(m)-20].Stamp) > 20*time.Second {
		t.Errorf("%d moments: %v", len(m), m)
	}
}
