package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is asked for on a terminal goes into the file; what cannot be used is asked for again, and nothing is asked twice.
func TestAsk(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	values := map[string]string{"schema": "billing"}
	if err := testDomain().Ask(strings.NewReader("\npostgres://u@h/d\nhtp\nsandbox\n\n"), &out, values); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"schema": "billing", "database_url": "postgres://u@h/d", "polar_server": "sandbox", "polar_access_token_file": "polar_access_token"}
	if !maps.Equal(values, want) || strings.Contains(out.String(), "Schema") || !strings.Contains(out.String(), "polar_server: write production") {
		t.Errorf("%v\n%s", values, out.String())
	}
	if err := testDomain().Ask(strings.NewReader("postgres://u@h/d"), &out, map[string]string{}); err == nil {
		t.Error("the answers have ended")
	}
	if next := Next("syncd.yaml", values); !strings.Contains(next, "Write the access token into polar_access_token.") {
		t.Error(next)
	}
}

// A file that was written is read back as it was given, whatever mode an older one had; nothing else is overwritten.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "syncd.yaml")
	values := map[string]string{"schema": `b"i: #l`, "requests_per_minute": "7", "timezone": "Europe/Paris"}
	if err := os.WriteFile(path, []byte("schema: former"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := testDomain().WriteFile(path, values, false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("overwritten: %v", err)
	}
	if err := testDomain().WriteFile(path, values, true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	c, _, err := Sources{Domain: testDomain(), Flags: map[string]string{"config": path}}.Load()
	if err != nil || c.Schema != values["schema"] || c.RequestsPerMinute != 7 || c.Timezone.String() != "Europe/Paris" {
		t.Errorf("%+v %v", c, err)
	}
	if err := testDomain().WriteFile(filepath.Dir(path), values, true); err == nil {
		t.Error("a directory was overwritten")
	}
}
