package fetch

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"syncd/internal/fetch/fetchtest/inprocess"
)

// Requests that are on their way together when a version ends go on in the next one, and it is told once.
func TestVersionEndsUnderSeveralRequests(t *testing.T) {
	t.Parallel()
	const together = 3
	var logged bytes.Buffer
	var refused sync.WaitGroup
	refused.Add(together)
	ended := false // set while nothing is on its way
	c := inProcess(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if ended && r.Header.Get(versionHeader) == DefaultVersion {
			refused.Done()
			refused.Wait()
			w.WriteHeader(http.StatusNotFound)
			inprocess.WriteText(w, `{"detail":"Not Found"}`)
			return
		}
		w.Header().Set(versionHeader, "2027-01")
		inprocess.WriteText(w, emptyPage)
	}, capture(&logged))
	if _, err := c.Page(background(), "/v1/orders/", nil); err != nil {
		t.Fatal(err)
	}
	ended = true
	var wg sync.WaitGroup
	for range together {
		wg.Go(func() {
			if p, err := c.Page(background(), "/v1/orders/", nil); err != nil || p.Requests != 2 {
				t.Errorf("%d requests, %v", p.Requests, err)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(logged.String(), "has retired the version"); n != 1 || c.RetiredVersion() != DefaultVersion {
		t.Errorf("told %d times, %q retired", n, c.RetiredVersion())
	}
}
