package catalog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/polarsim/recorded"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// Every variant of every object that the real server was seen to list goes through the store, and reads back equal: nothing
// is set aside, and nothing looks like a change of the API.
func TestWhatTheRealServerListsIsStored(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	lists := map[string][]json.RawMessage{}
	known, err := recorded.Lists()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range catalog.Entries() {
		if !slices.Contains(known, s.Name) {
			continue
		}
		if lists[s.Path], err = recorded.List(s.Name); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	h := worldtest.StartRecorded(t, &worldtest.RecordedServer{Lists: lists})
	results, err := h.Sync(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		// The recorded lists are excerpts: much of what their items embed is in none of them, and is not found by id.
		if !r.IsWhole() && !strings.HasPrefix(r.Reason, "rows known from copies only: Polar says that") {
			t.Errorf("%s: %s: %s", r.Stream, r.Outcome, r.Reason)
		}
	}
	h.Equal(t, names...)
	requireNothingOdd(t, h)
	var rows int
	for _, items := range lists {
		rows += len(items)
	}
	t.Logf("%d items of %d lists", rows, len(lists))
}

// requireNothingOdd wants no reject and no drift.
func requireNothingOdd(t *testing.T, h *worldtest.Harness) {
	t.Helper()
	for _, row := range h.Texts(t, "SELECT (to_jsonb(t) - 'body' - 'item')::text FROM sync_rejects t LIMIT 20") {
		t.Errorf("set aside: %s", row)
	}
	for _, row := range h.Texts(t, "SELECT to_jsonb(t)::text FROM sync_drift t") {
		t.Errorf("drift: %s", row)
	}
}
