package limit_test

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"syncd/internal/fetch/fetchtest/inprocess"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustNotContainToken(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, inprocess.Token) {
		t.Errorf("%s contains the token: %s", what, text)
	}
}

func background() context.Context { return context.Background() }
