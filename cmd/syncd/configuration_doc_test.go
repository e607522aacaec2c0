package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
)

// between returns what stands between two marks of a text.
func between(t *testing.T, text, begin, end string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, begin)
	inner, _, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("nothing stands between %q and %q", begin, end)
	}
	return inner
}

// docs/configuration.md says of each setting what the program does: the table is the one that syncd prints, the example is a
// configuration, the bounds are those that are checked, and the commands can be called.
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	secrets := t.TempDir()
	for name, secret := range map[string]string{"database_url": "postgres://syncd@db.example/billing", "polar_access_token": simulatedToken} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	example := write(t, "syncd.yaml", strings.ReplaceAll(between(t, page, "```yaml\n", "```"), "/run/secrets", secrets))
	syncd := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), nil, args, map[string]string{"SYNCD_CONFIG": example}, &stdout, &stderr); code != exitComplete {
			t.Errorf("syncd %s: exit code %d: %s", strings.Join(args, " "), code, stderr.String())
		}
		return stdout.String()
	}
	want := syncd("config", "reference", "--format", "markdown")
	if got := between(t, page, "`syncd config reference --format markdown` -->\n", "<!-- /settings -->"); got != want {
		t.Errorf("docs/configuration.md wants between its marks:\n%s", want)
	}
	for _, command := range regexp.MustCompile("`syncd (config [^`]+)`").FindAllStringSubmatch(page, -1) {
		syncd(strings.Fields(command[1])...)
	}
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `(\\w+)` \\| `(\\w+)` \\| (?:`(\\w+)`)? ?\\|$").FindAllStringSubmatch(page, -1)
	if len(rows) < 5 {
		t.Errorf("%d settings have bounds", len(rows))
	}
	for _, row := range rows {
		checkBounds(t, row[1], row[2], row[3], row[4])
	}
}

// checkBounds tries a setting at its bounds and right beyond them.
func checkBounds(t *testing.T, key, least, most, word string) {
	t.Helper()
	beyond := func(text string, by int64) string {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return strconv.FormatInt(n+by, 10)
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return (d + time.Duration(by)).String()
	}
	taken := map[string]bool{least: true, most: true, beyond(least, -1): false, beyond(most, 1): false}
	if word != "" {
		taken[word] = true
	}
	for text, want := range taken {
		_, _, err := config.Sources{Domain: daemon.Domain(), Flags: map[string]string{key: text}}.Load()
		if (err == nil) != want {
			t.Errorf("%s: %s is taken: %v, want %v (%v)", key, text, err == nil, want, err)
		}
	}
}
