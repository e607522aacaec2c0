package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"syncd/internal/spelling"
)

// setting is one thing that can be configured. Its key is its name in the file; the other names follow from it:
// log_level is --log-level and SYNCD_LOG_LEVEL. Keys that begin with polar_ are POLAR_... in the environment, as in
// Polar's own tools.
type setting struct {
	key    string
	group  string
	hint   string // what to write, in help
	def    string // default, as it would be written; "" = none
	doc    string
	secret bool // hidden when shown, and may come from a file: key_file holds its path
	noFlag bool // not on the command line, which other users of the machine can see
	set    func(string) error
	show   func() string // nil: as it was written
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

func envName(key string) string {
	name := strings.ToUpper(key)
	if !strings.HasPrefix(name, "POLAR_") {
		name = "SYNCD_" + name
	}
	return name
}

// fileOf is the setting that holds the path of a secret.
const fileOf = "_file"

// configPath is the one setting that the file cannot hold.
const configPath = "config"

// value is the effective value of one setting as it may be shown, and where it came from.
type value struct{ Key, Value, Source string }

// problems is everything that is wrong with a configuration, each with its remedy.
type problems []error

func (p problems) Error() string {
	if len(p) == 1 {
		return p[0].Error()
	}
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = "  - " + e.Error()
	}
	return fmt.Sprintf("%d problems with the configuration:\n%s", len(p), strings.Join(lines, "\n"))
}

func (p problems) Unwrap() []error { return p }

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// layer is one source of settings: their texts by key, and how to name the place of one.
type layer struct {
	values map[string]string
	where  func(key string) string
}

// loader layers the sources of a configuration.
type loader struct {
	layers   []layer // the first that has a setting wins
	problems problems
}

// load reads a configuration from flags (by key), environment and file. It returns what it could read along with the
// problems, so that both can be shown. needed are the groups whose secrets must be there. streams are the names that
// the file may set a schedule for.
func load(flags, environ map[string]string, streams []string, needed ...string) (*Config, []value, error) {
	c, l := &Config{}, &loader{}
	settings := c.settings()
	onFlag := layer{flags, func(key string) string { return "flag --" + flagName(key) }}
	inEnviron := layer{l.readEnviron(environ, settings), func(key string) string { return "environment " + envName(key) }}
	l.layers = []layer{onFlag, inEnviron}
	f := &file{}
	if path, source, ok := l.find(setting{key: configPath}); ok {
		f = l.readFile(path, source, settings, streams)
	}
	l.layers = append(l.layers, layer{f.values, f.where})
	c.Schedules = f.schedules
	var shown []value
	from := map[string]string{}
	for _, s := range settings {
		v := l.apply(s, slices.Contains(needed, s.group))
		shown, from[s.key] = append(shown, v), v.Source
	}
	for _, stream := range streams {
		v := value{"streams." + stream + ".schedule", c.ScheduleOf(stream), "default"}
		switch {
		case c.Schedules[stream] != "":
			v.Source = f.where(v.Key)
		case c.Schedule != "":
			v.Source = from["schedule"]
		}
		shown = append(shown, v)
	}
	if len(l.problems) > 0 {
		return c, shown, l.problems
	}
	return c, shown, nil
}

// apply sets a setting from the first layer that has it.
func (l *loader) apply(s setting, needed bool) value {
	text, source, ok := l.find(s)
	v := value{s.key, text, source}
	if !ok {
		v.Value = "(not set)"
		if s.secret && needed && source == "default" {
			l.problems.add("%s is not set: %s; set it, or %s to the path of a file that holds it", envName(s.key), s.doc, envName(s.key+fileOf))
		}
		return v
	}
	if err := s.set(text); err != nil {
		if s.secret {
			l.problems.add("%s: %w", source, err)
		} else {
			l.problems.add("%s: %q: %w", source, text, err)
		}
	}
	if s.show != nil {
		v.Value = s.show()
	}
	return v
}

// find returns the text of a setting and where it was; ok is false when it is nowhere, or when what is there is of no use.
func (l *loader) find(s setting) (text, source string, ok bool) {
	for _, in := range l.layers {
		text, set := in.values[s.key]
		path, inFile := in.values[s.key+fileOf]
		source, fileSource := in.where(s.key), in.where(s.key+fileOf)
		switch {
		case set && s.secret && inFile:
			l.problems.add("%s and %s are both set: leave one out", source, fileSource)
			return "", source, false
		case set && text == "":
			l.problems.add("%s is empty: give it a value or remove it", source)
			return "", source, false
		case set:
			return text, source, true
		case s.secret && inFile:
			text, err := readSecret(path)
			if err != nil {
				l.problems.add("%s: %w", fileSource, err)
			}
			return text, fileSource + " (" + path + ")", err == nil
		}
	}
	return s.def, "default", s.def != ""
}

// readSecret reads a file that holds nothing but a secret.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: create the file, or correct its path", err)
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("%s is empty: write the secret into it", path)
	}
	return text, nil
}

// readEnviron returns the settings in the environment by key, and finds variables that look like settings and are none.
// What begins with POLAR_ may belong to another program, so there only slips of the fingers count.
func (l *loader) readEnviron(environ map[string]string, settings []setting) map[string]string {
	keyOf := map[string]string{}
	for _, key := range append(keys(settings), configPath) {
		keyOf[envName(key)] = key
	}
	known, values := sortedKeys(keyOf), map[string]string{}
	for i, name := range known {
		known[i] = strings.ToLower(name)
	}
	for _, name := range sortedKeys(environ) {
		if key, ok := keyOf[name]; ok {
			values[key] = environ[name]
			continue
		}
		ours := strings.HasPrefix(name, "SYNCD_") && !strings.HasPrefix(name, "SYNCD_TEST_")
		near := strings.ToUpper(spelling.Nearest(name, known))
		switch {
		case ours && near == "":
			l.problems.add("environment %s is no setting: remove it (`syncd config reference` lists them all)", name)
		case ours, strings.HasPrefix(name, "POLAR_") && spelling.IsTypo(name, near):
			l.problems.add("environment %s is no setting: did you mean %s?", name, near)
		}
	}
	return values
}

// keys lists the keys of settings and of the files of secrets.
func keys(settings []setting) (list []string) {
	for _, s := range settings {
		list = append(list, s.key)
		if s.secret {
			list = append(list, s.key+fileOf)
		}
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
