package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// The pages say what the program does, and the comments of the database.
func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{DSN: pgtest.Migrated(t), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	pages, err := generate(t.Context(), s.Pool(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if diff := cmp.Diff(p.was, p.now); diff != "" {
			t.Errorf("%s: run make generate (-is +should be):\n%s", p.path, diff)
		}
	}
}

// A mark that nothing stands behind is a mistake, and is not passed over.
func TestFill(t *testing.T) {
	t.Parallel()
	parts := map[string]string{"a": "A\n", "b": "B\n"}
	placed := map[string]bool{}
	got, err := fill("x\n<!-- generated: a -->\nold\n<!-- /generated -->\ny <!-- generated: b -->\n<!-- /generated -->", parts, placed)
	if want := "x\n<!-- generated: a -->\nA\n<!-- /generated -->\ny <!-- generated: b -->\nB\n<!-- /generated -->"; err != nil || got != want || !placed["a"] || !placed["b"] {
		t.Errorf("%q, %v, placed %v; want %q", got, err, placed, want)
	}
	for _, text := range []string{"<!-- generated: a -->\nno end", "<!-- generated: c -->\n<!-- /generated -->", "<!-- generated: a"} {
		if got, err := fill(text, parts, placed); err == nil {
			t.Errorf("%q is taken, and becomes %q", text, got)
		}
	}
}
