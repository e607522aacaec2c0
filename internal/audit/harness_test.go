package audit_test

import (
	"os"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// harness is a world with what these tests do to it.
type harness struct{ *worldtest.Harness }

type setup = worldtest.Setup

func start(t *testing.T, s setup) *harness {
	t.Helper()
	return &harness{worldtest.Start(t, s)}
}
