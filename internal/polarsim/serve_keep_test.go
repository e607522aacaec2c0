package polarsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestKeep(t *testing.T) {
	asked := 0
	h := KeepAnswers(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		rw.Header().Set("X-Page", r.URL.RawQuery)
		if r.URL.Path == "/broken" {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		if _, err := rw.Write([]byte(r.URL.Path + strings.Repeat("x", 40))); err != nil {
			t.Error(err)
		}
	}), 100)
	ask := func(method, target string) {
		t.Helper()
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(method, target, nil)
		h.ServeHTTP(rec, req)
		if !strings.HasPrefix(rec.Body.String(), req.URL.Path+"x") || rec.Header().Get("X-Page") != req.URL.RawQuery {
			t.Errorf("%s %s: %s %v", method, target, rec.Body, rec.Header())
		}
	}
	for i, step := range []struct {
		method, target string
		asked          int
	}{
		{"GET", "/a?page=1", 1}, {"GET", "/a?page=1", 1}, {"GET", "/a?page=2", 2}, {"GET", "/a?page=2", 2},
		{"GET", "/full", 3}, {"GET", "/full", 4}, {"GET", "/a?page=1", 4},
		{"PATCH", "/a", 5}, {"GET", "/a?page=1", 6}, {"GET", "/sim/x", 7}, {"GET", "/a?page=1", 8},
		{"GET", "/broken", 9}, {"GET", "/broken", 10},
	} {
		if ask(step.method, step.target); asked != step.asked {
			t.Fatalf("step %d, %s %s: %d requests came through, want %d", i, step.method, step.target, asked, step.asked)
		}
	}
}
