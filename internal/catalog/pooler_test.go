package catalog_test

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
	h := start(t, setup{DSN: pgtest.Pooler(t, pgtest.Migrated(t), "transaction", "default_pool_size=3")})
	h.SyncAll(t)
	h.Equal(t)
	h.Round(t)
	h.RequireCleanAudit(t, audit.Options{})
	h.SyncAll(t)
	h.Equal(t)
}
