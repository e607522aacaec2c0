package tail_test

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

var (
	start       = worldtest.StartAs[harness]
	newCustomer = worldtest.NewCustomer[*harness]
)
