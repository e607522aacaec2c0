package counts_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/tail/counts"
)

// What has no counts does not pass for counts that are equal.
func TestSeatsWithoutCounts(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `{"periods":null}`, `{"periods":[]}`, `{"periods":[{"timestamp":"2026-01-01T00:00:00Z","seats_total":1}]}`, `{"periods":{}}`} {
		client := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
		})
		s := counts.Seats{Client: client, Day: time.Now()}
		if d, _, err := s.Difference(t.Context(), nil); !errors.Is(err, fetch.ErrContract) {
			t.Errorf("%s: %v, %v", answer, d, err)
		}
	}
}
