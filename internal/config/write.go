package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"syncd/internal/privatefile"
	"syncd/internal/sched"
)

// FileText is the text of a configuration file with these values, by key. Each setting has a comment, and is one where no value is
// given.
func (d Domain) FileText(values map[string]string) string {
	var b strings.Builder
	b.WriteString("# Settings of syncd. Flags and environment variables come before this file.\n")
	for _, s := range d.DescribeSettings() {
		if s.Key == "" || s.Variable == "" {
			continue
		}
		fmt.Fprintf(&b, "\n# %s (%s).\n", s.Sentence(), s.Variable)
		if value, is := values[s.Key]; is {
			fmt.Fprintf(&b, "%s: %q\n", s.Key, value)
		} else {
			fmt.Fprintf(&b, "#%s: %s\n", s.Key, s.Default)
		}
	}
	b.WriteString("\n# Instead of a list, streams may be set one by one: " + strings.Join(d.StreamNames(), ", ") + ".\n" +
		"#streams:\n#  events:\n#    enabled: true\n#  orders:\n#    schedule: \"@every 1h\"\n#  organization_access_tokens:\n#    schedule: \"" + sched.Off + "\"\n")
	return b.String()
}

// Check says what is wrong with values, by key.
func (d Domain) Check(values map[string]string) error {
	var problems Problems
	settings := (&Config{domain: d}).settings()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
		if i < 0 { // the path of a secret
			continue
		}
		if err := settings[i].set(values[key]); err != nil {
			problems.add("%s: %w", key, err)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// WriteFile writes a configuration file that its owner alone can read: it may hold a password. It overwrites a file only if it is
// told to, and nothing else than a file.
func (d Domain) WriteFile(path string, values map[string]string, overwrite bool) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no ordinary file: choose another name with --output", path)
	}
	err := privatefile.Write(path, []byte(d.FileText(values)), overwrite)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: choose another name with --output, or overwrite it with --force", path)
	}
	return err
}
