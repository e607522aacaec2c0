package main

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// A package that has grown beyond this is several. The simulated Polar is as large as what it simulates, and what sqlc
// generates is as large as the tables.
const (
	packageLines = 3000
	fileLines    = 500
)

// Packages and files stay small, tests aside. Functions are held by the linter.
func TestPackagesAndFilesAreSmall(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/store/db/") {
			return err
		}
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			return err
		}
		n := bytes.Count(text, []byte("\n"))
		lines[path.Dir(name)] += n
		if n > fileLines {
			t.Errorf("%s has %d lines, more than %d", name, n, fileLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, n := range lines {
		if n > packageLines && dir != "internal/polarsim" {
			t.Errorf("%s has %d lines, more than %d", dir, n, packageLines)
		}
	}
	if lines["internal/store"] == 0 {
		t.Error("no package was found")
	}
}
