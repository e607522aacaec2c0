package mirror_test

import (
	"testing"

	"syncd/internal/audit"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
)

// A pooler that hands out its server connections by transaction keeps no session, and so nothing may be lost with one.
func TestThroughATransactionPooler(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{dsn: pgtest.Pooler(t, pgtest.Migrated(t), "transaction", "default_pool_size=3")})
	h.sync(t)
	h.equal(t)
	h.round(t)
	h.agrees(t, audit.Options{})
	h.sync(t)
	h.equal(t)
}
