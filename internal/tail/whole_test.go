package tail_test

import (
	"testing"

	"syncd/internal/polarsim"
	"syncd/internal/worldtest"
)

// What the first sync has swept is not swept again while other slow probes have never been asked.
func TestWholeListsAreNotSweptTwiceAtFirst(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 10}, Mirror: worldtest.Tailing})
	h.SyncAll(t)
	h.Round(t)
	paths := []string{"GET /v1/organizations/", "GET /v1/benefits/"}
	before := h.Server.RequestsByPath()
	h.Round(t)
	for _, path := range paths {
		if n := h.Server.RequestsByPath()[path] - before[path]; n > 0 {
			t.Errorf("%s: %d requests right after its sweep", path, n)
		}
	}
	for range 20 {
		h.Round(t)
	}
	for _, path := range paths {
		if n := h.Server.RequestsByPath()[path] - before[path]; n == 0 {
			t.Errorf("%s has never its turn", path)
		}
	}
}
