package check_test

import (
	"os"
	"testing"

	"syncd/internal/localpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
