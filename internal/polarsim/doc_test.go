package polarsim

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every file belongs to a part of the map in doc.go, and every part has files.
func TestMapNamesEveryFile(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^//   - ([a-z]+): `).FindAllStringSubmatch(string(doc), -1) {
		parts[m[1]] = 0
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		part, _, _ := strings.Cut(strings.TrimSuffix(file, ".go"), "_")
		if _, known := parts[part]; !known {
			t.Errorf("%s: doc.go has no part %s", file, part)
		}
		parts[part]++
	}
	for part, n := range parts {
		if n == 0 {
			t.Errorf("doc.go has a part %s, and no file does", part)
		}
	}
}
