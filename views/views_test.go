package views_test

import (
	"regexp"
	"testing"

	"syncd/views"
)

var (
	fileName  = regexp.MustCompile(`^\d\d_[a-z_]+\.sql$`)
	statement = regexp.MustCompile(`(?m)^(CREATE OR REPLACE (?:VIEW|FUNCTION) \w+|COMMENT ON (?:VIEW|FUNCTION|COLUMN) )`)
	other     = regexp.MustCompile(`(?mi)^(CREATE|DROP|ALTER|GRANT|INSERT|UPDATE|DELETE|DO)\b.*`)
)

// Files consist of what can be run again, and each name is made once.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := views.All()
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	made := map[string]string{}
	for _, f := range files {
		if !fileName.MatchString(f.Name) {
			t.Errorf("%s: want two digits, an underscore and the theme", f.Name)
		}
		if len(f.Makes) == 0 {
			t.Errorf("%s makes nothing", f.Name)
		}
		for _, o := range f.Makes {
			if before := made[o.Name]; before != "" {
				t.Errorf("%s makes %s, which %s makes, too", f.Name, o.Name, before)
			}
			made[o.Name] = f.Name
		}
		for _, line := range other.FindAllString(f.SQL, -1) {
			if !statement.MatchString(line) {
				t.Errorf("%s: %q is not CREATE OR REPLACE VIEW or FUNCTION, or COMMENT", f.Name, line)
			}
		}
	}
}
