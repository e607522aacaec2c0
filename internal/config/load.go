package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"syncd/internal/spelling"
)

// Sources are where a configuration comes from, and what it is checked against.
type Sources struct {
	Domain  Domain
	Flags   map[string]string // the command line, by key
	Environ map[string]string // the whole environment, by name

	name  string  // of the one organization whose configuration is loaded; Of sets it
	added *member // Adding sets it
	kept  *kept   // what is parsed; nil: it is parsed anew for each
}

// NewSources returns the sources without flags. What a file holds is parsed once for all organizations, until it is another text.
func NewSources(d Domain, environ map[string]string) Sources {
	return Sources{Domain: d, Environ: environ, kept: &kept{}}
}

// Value is the effective value of one setting, as it may be shown, and its source.
type Value struct{ Key, Value, Source string }

// Problems is everything that is wrong with a configuration, each with its remedy.
type Problems []error

func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].Error()
	}
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = "  - " + e.Error()
	}
	return fmt.Sprintf("%d problems with the configuration:\n%s", len(p), strings.Join(lines, "\n"))
}

func (p Problems) Unwrap() []error { return p }

func (p *Problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// layer is one source of settings: their texts by key, and how to name where one is set.
type layer struct {
	values map[string]string
	where  func(key string) string
}

// loader reads the sources of a configuration, one layer above the other.
type loader struct {
	settings []setting
	streams  []string
	layers   []layer // the first that has a setting wins
	top      *file   // the configuration file
	added    *member // an organization that is in no file yet
	kept     *kept
	problems Problems
}

// begin reads what all organizations have in common: flags, environment and the top of the file.
func (s Sources) begin(c *Config) *loader {
	l := &loader{settings: c.settings(), streams: s.Domain.StreamNames(), added: s.added, kept: s.kept}
	onFlag := layer{s.Flags, func(key string) string { return "flag --" + flagName(key) }}
	inEnviron := layer{l.readEnviron(s.Environ), func(key string) string { return "environment " + variableName(key) }}
	l.layers, l.top = []layer{onFlag, inEnviron}, newFile("", "")
	if path, source, ok := l.find(setting{key: configPath}); ok {
		l.top = l.readTop(path, source)
	}
	l.layers = append(l.layers, layer{l.top.values, l.top.where})
	return l
}

// Load reads the configuration of the organization that Of or `organization` names, or what all have in common. It returns what
// it could read together with the problems, so that both can be shown. needed are the groups whose secrets must be set.
func (s Sources) Load(needed ...string) (*Config, []Value, error) {
	c := &Config{domain: s.Domain, Name: s.Selected()}
	l := s.begin(c)
	schedules := []*file{l.top}
	if c.Name == "" && len(needed) > 0 {
		l.refuseSeveral()
	} else if c.Name != "" {
		entry := l.entryOf(c.Name)
		l.layers = slices.Insert(l.layers, 1, layer{entry.values, entry.where})
		schedules = append(schedules, entry)
	}
	var shown []Value
	from := map[string]string{}
	for _, setting := range l.settings {
		v := l.apply(setting, slices.Contains(needed, setting.group))
		shown, from[setting.key] = append(shown, v), v.Source
	}
	if c.OrganizationHeader && c.OrganizationID == "" && slices.Contains(needed, GroupPolar) {
		l.problems.add("%s: %s is on, and polar_organization_id is not set: set it to the id of the organization", from[headerKey], headerKey)
	}
	c.Schedules = map[string]string{}
	for _, stream := range l.streams {
		key := scheduleKey(stream)
		source := from["schedule"]
		for _, f := range schedules {
			if spec := f.schedules[stream]; spec != "" {
				c.Schedules[stream], source = spec, f.where(key)
			}
		}
		shown = append(shown, Value{key, c.ScheduleOf(stream), source})
	}
	if len(l.problems) > 0 {
		return c, shown, l.problems
	}
	return c, shown, nil
}

// apply sets a setting from the first layer that has it.
func (l *loader) apply(s setting, needed bool) Value {
	text, source, ok := l.find(s)
	v := Value{s.key, text, source}
	if !ok {
		v.Value = "(not set)"
		if s.secret && needed && source == "default" && (s.needed == nil || s.needed()) {
			l.problems.add("%s is not set: %s; set it, or %s to the path of a file that holds it", variableName(s.key), s.meaning, variableName(s.key+fileOf))
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

// find returns the text of a setting and its source. ok is false when it is set nowhere, or its text is unusable.
func (l *loader) find(s setting) (text, source string, ok bool) {
	for _, in := range l.layers {
		text, set := in.values[s.key]
		path, inFile := in.values[s.key+fileOf]
		if !set && !inFile {
			continue
		}
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

// readEnviron returns the settings in the environment by key, and finds variables that look like settings but are not. A variable
// that begins with POLAR_ may belong to another program, so there only near misses count.
func (l *loader) readEnviron(environ map[string]string) map[string]string {
	keyOf := map[string]string{}
	for _, key := range append(keys(l.settings), configPath, selected) {
		keyOf[variableName(key)] = key
	}
	known, values := slices.Sorted(maps.Keys(keyOf)), map[string]string{}
	for i, name := range known {
		known[i] = strings.ToLower(name)
	}
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if key, ok := keyOf[name]; ok {
			values[key] = environ[name]
			continue
		}
		ours := strings.HasPrefix(name, "SYNCD_") && !strings.HasPrefix(name, "SYNCD_TEST_") && name != MCPToken && name != MCPTokenFile
		near := nearestVariable(name, known)
		switch {
		case ours && near == "":
			l.problems.add("environment %s is no setting: remove it (`syncd config reference` lists them all)", name)
		case ours, strings.HasPrefix(name, "POLAR_") && spelling.IsTypo(name, near):
			l.problems.add("environment %s is no setting: did you mean %s?", name, near)
		}
	}
	return values
}

// nearestVariable is the variable that was probably meant by a name: what all of ours begin with says nothing.
func nearestVariable(name string, known []string) string {
	prefix, _, _ := strings.Cut(strings.ToLower(name), "_")
	var same []string
	for _, k := range known {
		if rest, is := strings.CutPrefix(k, prefix+"_"); is {
			same = append(same, rest)
		}
	}
	near := spelling.Nearest(name[min(len(prefix)+1, len(name)):], same)
	if near == "" {
		return ""
	}
	return strings.ToUpper(prefix + "_" + near)
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

// The token of `syncd mcp` and the file that holds it, in the environment. They are of that command alone, and no settings.
const (
	MCPToken     = "SYNCD_MCP_TOKEN"
	MCPTokenFile = "SYNCD_MCP_TOKEN_FILE"
)

// TokenOfMCP reads the token that assistants must send; "" without one.
func (s Sources) TokenOfMCP() (Secret, error) {
	token, given := s.Environ[MCPToken]
	path, inFile := s.Environ[MCPTokenFile]
	var err error
	switch {
	case given && inFile:
		return "", Problems{fmt.Errorf("%s and %s are both set: leave one out", MCPToken, MCPTokenFile)}
	case inFile:
		token, err = readSecret(path)
		if err != nil {
			return "", Problems{fmt.Errorf("%s: %w", MCPTokenFile, err)}
		}
	case given && token == "":
		return "", Problems{fmt.Errorf("%s is empty: give it a value or remove it", MCPToken)}
	}
	return Secret(token), nil
}
