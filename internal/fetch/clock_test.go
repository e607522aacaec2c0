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
		ahead, told := client.Ahead()
		if !told || ahead < off || ahead > off+time.Minute {
			t.Errorf("Polar is %v ahead: it is taken to be at most %v (%v)", off, ahead, told)
		}
	}
	silent, _ := dated(t, nil)
	if _, err := silent.Page(t.Context(), "/v1/orders/", url.Values{}); err != nil {
		t.Fatal(err)
	}
	if _, told := silent.Ahead(); told || time.Until(silent.Now()).Abs() > time.Minute {
		t.Error("an answer without a Date told the time")
	}
}

// A request is dated right before it is sent, and not sent where that fails.
func TestDateBy(t *testing.T) {
	t.Parallel()
	off := time.Duration(0)
	client, asked := dated(t, &off)
	at := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	client.DateBy(func(context.Context) (time.Time, error) { at = at.Add(time.Second); return at, nil })
	for range 2 {
		p, err := client.Page(t.Context(), "/v1/orders/", url.Values{})
		if err != nil || !p.RequestedAt.Equal(at) {
			t.Errorf("requested at %v, %v, want %v", p.RequestedAt, err, at)
		}
	}
	if ahead, _ := client.Ahead(); ahead > -24*time.Hour {
		t.Errorf("Polar is %v ahead of a clock in 2031", ahead)
	}
	broken := errors.New("the database is down")
	client.DateBy(func(context.Context) (time.Time, error) { return time.Time{}, broken })
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
