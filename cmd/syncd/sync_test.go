package main

import (
	"bytes"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

// That the drift cannot be read is no word that there is none.
func TestSyncSaysThatDriftIsUnknown(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{DSN: pgtest.Empty(t), Schema: "polar"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var said bytes.Buffer
	if err := printDrift(t.Context(), &said, s); err == nil || !strings.Contains(err.Error(), "read the drift") || said.Len() > 0 {
		t.Errorf("%v, %q", err, said.String())
	}
}
