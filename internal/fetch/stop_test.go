package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"syncd/internal/fetch"
)

// A request is given up with what stops it, for the reason that this names; its context goes on.
func TestRequestsStopBeforeTheirContext(t *testing.T) {
	t.Parallel()
	stop, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the lease is lost")
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(why)
		<-r.Context().Done()
	}))
	defer server.Close()
	c, err := fetch.New(fetch.Config{Server: server.URL, Token: "polar_oat_test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := fetch.WithStop(t.Context(), stop)
	for range 2 { // one that is under way, and one that is not sent any more
		_, err := c.Page(ctx, "/v1/orders/", nil)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	}
	if ctx.Err() != nil || !fetch.IsStopped(ctx) || c.Requests() != 1 {
		t.Errorf("the context: %v; stopped %t; %d requests", ctx.Err(), fetch.IsStopped(ctx), c.Requests())
	}
}
