package config

import (
	"fmt"
	"slices"
	"strings"
)

// Description is what users read about a setting. A name is "" where the setting cannot be set in that way.
type Description struct {
	Key      string // in the file
	Variable string // in the environment
	Flag     string // on the command line, without dashes
	Group    string
	Hint     string // what to write
	Default  string
	Meaning  string
	Process  bool // of the whole process: an organization has none of its own
	Live     bool // takes effect while the daemon runs, when it reads its configuration again
}

// scheduleKey and enabledKey name the settings of one stream, which only the file has.
func scheduleKey(stream string) string { return "streams." + stream + ".schedule" }
func enabledKey(stream string) string  { return "streams." + stream + ".enabled" }

// DescribeSettings lists all settings, in the order of the table.
func (d Domain) DescribeSettings() (list []Description) {
	for _, s := range (&Config{domain: d}).settings() {
		one := Description{Key: s.key, Variable: variableName(s.key), Flag: flagName(s.key), Group: s.group, Hint: s.hint, Default: s.def, Meaning: s.meaning, Process: s.process, Live: s.live}
		if s.noFlag {
			one.Flag = ""
		}
		list = append(list, one)
		if s.secret {
			key := s.key + fileOf
			list = append(list, Description{Key: key, Variable: variableName(key), Flag: flagName(key), Group: s.group, Hint: "PATH",
				Meaning: "file that holds the value of " + variableName(s.key), Process: s.process, Live: s.live})
		}
	}
	return append(list,
		Description{Variable: variableName(configPath), Flag: configPath, Hint: "PATH", Meaning: "configuration file, YAML", Process: true},
		Description{Variable: variableName(selected), Flag: selected, Hint: "NAME", Meaning: "the one organization that is meant, where the configuration has several", Process: true},
		Description{Key: organizationsKey, Group: GroupFleet, Meaning: "list of organizations, each with its name and the settings that are its own", Process: true},
		Description{Key: enabledKey("NAME"), Group: GroupStreams, Meaning: "whether one stream is on; instead of streams: LIST"},
		Description{Key: scheduleKey("NAME"), Group: GroupSchedule, Meaning: "schedule of one stream", Live: true})
}

// Sentence returns the meaning with a capital letter.
func (d Description) Sentence() string { return strings.ToUpper(d.Meaning[:1]) + d.Meaning[1:] }

// FlagHelp returns what help says of the flag.
func (d Description) FlagHelp() string {
	text := d.Sentence()
	if d.Default != "" {
		text += fmt.Sprintf("; default %s", d.Default)
	}
	return text + " (" + d.Variable + ")."
}

// IsLive tells whether a setting takes effect while the daemon runs. The key is one that Load returns.
func (d Domain) IsLive(key string) bool {
	if strings.HasPrefix(key, "streams.") {
		return strings.HasSuffix(key, ".schedule")
	}
	return slices.ContainsFunc((&Config{domain: d}).settings(), func(s setting) bool { return s.key == key && s.live })
}

// Table is the table of settings in Markdown, as docs/configuration.md has it.
func Table(settings []Description) string {
	var b strings.Builder
	b.WriteString("| setting | environment variable | flag | default | own | live | meaning |\n|---|---|---|---|---|---|---|\n")
	word := func(w string, is bool) string {
		if is {
			return w
		}
		return ""
	}
	for _, d := range settings {
		b.WriteString("|")
		for _, name := range []string{d.Key, d.Variable, word("--"+d.Flag, d.Flag != ""), d.Default} {
			if name != "" {
				name = "`" + name + "`"
			}
			b.WriteString(" " + strings.ReplaceAll(name, "|", `\|`) + " |")
		}
		fmt.Fprintf(&b, " %s | %s | %s |\n", word("own", !d.Process), word("live", d.Live), strings.ReplaceAll(d.Sentence(), "|", `\|`))
	}
	return b.String()
}
