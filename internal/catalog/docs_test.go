package catalog_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"syncd/internal/catalog"
)

// The table of read endpoints in docs/requests.md names every stream, where it is read from, and whether it is on.
func TestDocsNameEveryStream(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/requests.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string // endpoint, where, default, requests
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `/v1/") && len(cells) == 6 {
			rows = append(rows, cells[1:5])
		}
	}
	parameter := regexp.MustCompile(`\{[a-z_]+\}`)
	for _, s := range catalog.Entries() {
		path := "`" + parameter.ReplaceAllString(s.Path, "{id}") + "`"
		found := false
		for _, row := range rows {
			if !strings.Contains(row[0], path) || !strings.Contains(row[1], "`"+s.Name+"`") {
				continue
			}
			found = true
			if want := map[bool]string{true: "on", false: "off"}[s.OptIn == ""]; strings.TrimSpace(row[2]) != want {
				t.Errorf("%s is %s by default, the page says %s", s.Name, want, row[2])
			}
			for _, c := range s.Children {
				if !strings.Contains(row[1], "`"+c.Name+"`") {
					t.Errorf("the page does not name %s", c.Name)
				}
			}
		}
		if !found {
			t.Errorf("the page has no row for %s of %s", path, s.Name)
		}
	}
}
