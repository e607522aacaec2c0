package pgtest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"syncd/internal/localpg"
)

// Pooler puts a PgBouncer in front of the server of a database until the end of the test, and returns the DSN through it. mode is
// its pool_mode, session or transaction; settings are "name=value" of pgbouncer.ini. Where PgBouncer is not installed the test is
// skipped, except in CI.
func Pooler(t testing.TB, dsn, mode string, settings ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	p, err := localpg.StartPooler(ctx, dsn, mode, settings...)
	if errors.Is(err, localpg.ErrNoPooler) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if said := p.Output(); strings.Contains(said, "ended by itself") {
			t.Logf("the pooler ended: %s", said[max(0, len(said)-2000):])
		}
		if err := p.Close(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return p.DSN()
}
