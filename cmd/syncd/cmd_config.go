package main

import (
	"fmt"
	"strings"

	"syncd/internal/sched"
)

type configCmd struct {
	Print     configPrintCmd     `cmd:"" help:"Show each effective value and where it came from. Secrets are hidden." example:"syncd config print --config syncd.yaml"`
	Reference configReferenceCmd `cmd:"" help:"Show every setting with its names and its default." example:"syncd config reference --format yaml > syncd.yaml"`
}

type configPrintCmd struct {
	Settings settingFlags `embed:""`
}

func (configPrintCmd) Run(c *command) error {
	_, shown, problems := load(c.flags, c.environ, streamNames(), groupDatabase, groupPolar)
	t := table{head: []string{"SETTING", "VALUE", "SOURCE"}}
	for _, v := range shown {
		t.add(v.Key, v.Value, v.Source)
	}
	if err := t.print(c.stdout); err != nil {
		return err
	}
	return problems
}

type configReferenceCmd struct {
	Format string `enum:"text,yaml,markdown" default:"text" help:"One of ${enum}."`
}

func (cmd *configReferenceCmd) Run(c *command) error {
	var b strings.Builder
	t := table{head: []string{"FILE", "ENVIRONMENT", "FLAG", "DEFAULT", ""}}
	for _, s := range referenced() {
		flag := "--" + flagName(s.key)
		if s.noFlag {
			flag = ""
		}
		t.add(s.key, envName(s.key), flag, s.def, capital(s.doc))
	}
	t.add("", envName(configPath), "--"+flagName(configPath), "", "Configuration file, YAML")
	t.add("streams.NAME.enabled", "", "", "", "Whether one stream is on; instead of streams: LIST")
	t.add("streams.NAME.schedule", "", "", "", "Schedule of one stream")
	switch cmd.Format {
	case "text":
		return t.print(c.stdout)
	case "markdown":
		b.WriteString("| file | environment | flag | default | |\n|---|---|---|---|---|\n")
		for _, row := range t.rows {
			b.WriteString("|")
			for i, cell := range row {
				if i < len(row)-1 && cell != "" {
					cell = "`" + cell + "`"
				}
				b.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
			}
			b.WriteString("\n")
		}
	case "yaml":
		b.WriteString("# Settings of syncd. Flags and environment variables come before this file.\n")
		for _, s := range referenced() {
			fmt.Fprintf(&b, "\n# %s (%s).\n#%s: %s\n", capital(s.doc), envName(s.key), s.key, s.def)
		}
		b.WriteString("\n# Instead of a list, streams may be set one by one: " + strings.Join(streamNames(), ", ") + ".\n" +
			"#streams:\n#  events:\n#    enabled: true\n#  orders:\n#    schedule: \"@every 1h\"\n#  organization_access_tokens:\n#    schedule: \"" + sched.Off + "\"\n")
	}
	_, err := fmt.Fprint(c.stdout, b.String())
	return err
}

// referenced are all settings, those for the files of secrets among them.
func referenced() (list []setting) {
	for _, s := range new(Config).settings() {
		list = append(list, s)
		if s.secret {
			list = append(list, setting{key: s.key + fileOf, doc: "file that holds the value of " + envName(s.key)})
		}
	}
	return list
}
