package tails_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/store/tails"
)

func TestReadableEndpoints(t *testing.T) {
	t.Parallel()
	at := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	events := []string{"order.created"}
	got := tails.ReadableEndpoints([]tails.Webhook{
		{Enabled: true, Format: "raw", Events: events, CreatedAt: at(1), ModifiedAt: at(3)},
		{Enabled: true, Format: "raw", CreatedAt: at(2)},
		{Enabled: false, Format: "raw", CreatedAt: at(4)},
		{Enabled: true, Format: "slack", CreatedAt: at(5)},
	})
	if diff := cmp.Diff([]tails.Endpoint{{Events: events, Since: at(3)}, {Since: at(2)}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
