package mirror_test

import (
	"strings"
	"testing"

	"syncd/internal/mirror"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// New rows are encoded ahead; a refresh writes the same objects again, over what is there.
func TestRowsWrittenAgainAreTheSame(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	streams := []string{"products", "customers", "members", "subscriptions", "orders", "payments"}
	h.SyncAll(t, streams...)
	want := h.digests(t)
	for _, stream := range streams {
		ids := strings.Fields(worldtest.Query[string](t, h, "SELECT string_agg(id::text, ' ') FROM (SELECT id FROM "+stream+" WHERE _deleted_at IS NULL ORDER BY id LIMIT 60) t"))
		if r := h.refreshed(t, mirror.Succeeded, stream, ids...); int(r.Updated) != len(ids) || len(ids) == 0 {
			t.Errorf("%s: %d of %d rows were written again", stream, r.Updated, len(ids))
		}
	}
	if got := h.digests(t); got != want {
		t.Errorf("at first:\n%s\nwritten again:\n%s", want, got)
	}
}
