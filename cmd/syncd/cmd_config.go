package main

import (
	"io"
	"strings"

	"syncd/internal/config"
	"syncd/internal/terminal"
)

type configCmd struct {
	Print     configPrintCmd     `cmd:"" help:"Show each effective value and where it came from. Secrets are hidden." example:"syncd config print --config syncd.yaml"`
	Reference configReferenceCmd `cmd:"" help:"Show every setting with its names and its default." example:"syncd config reference --format yaml > syncd.yaml"`
}

type configPrintCmd struct {
	outputFlags
	daemonFlags
}

func (cmd *configPrintCmd) Run(c *command) error {
	_, shown, problems := c.sources.Load(config.GroupDatabase, config.GroupPolar)
	type setting struct {
		Setting string `json:"setting"`
		Value   string `json:"value"`
		Source  string `json:"source"`
	}
	t := terminal.Table{Head: []string{"SETTING", "VALUE", "SOURCE"}}
	all := make([]setting, len(shown))
	for i, v := range shown {
		t.Add(v.Key, v.Value, v.Source)
		all[i] = setting{v.Key, v.Value, v.Source}
	}
	if err := c.report(cmd.outputFlags, all, t.Print); err != nil {
		return err
	}
	return problems
}

type configReferenceCmd struct {
	Format string `enum:"text,yaml,markdown" default:"text" help:"One of ${enum}."`
}

func (cmd *configReferenceCmd) Run(c *command) error {
	switch settings := c.sources.Domain.DescribeSettings(); cmd.Format {
	case "markdown":
		return referenceMarkdown(c.stdout, settings)
	case "yaml":
		_, err := io.WriteString(c.stdout, c.sources.Domain.FileText(nil))
		return err
	default:
		return referenceText(c.stdout, settings)
	}
}

// referenceText writes a table for people.
func referenceText(w io.Writer, settings []config.Description) error {
	t := terminal.Table{Head: []string{"FILE", "ENVIRONMENT", "FLAG", "DEFAULT", ""}}
	for _, d := range settings {
		t.Add(d.Key, d.Variable, dashed(d.Flag), d.Default, d.Sentence())
	}
	return t.Print(w)
}

// referenceMarkdown writes the table of docs/configuration.md.
func referenceMarkdown(w io.Writer, settings []config.Description) error {
	var b strings.Builder
	b.WriteString("| setting | environment variable | flag | default | own | live | meaning |\n|---|---|---|---|---|---|---|\n")
	for _, d := range settings {
		b.WriteString("|")
		for _, name := range []string{d.Key, d.Variable, dashed(d.Flag), d.Default} {
			if name != "" {
				name = "`" + name + "`"
			}
			b.WriteString(" " + strings.ReplaceAll(name, "|", `\|`) + " |")
		}
		own, live := "own", ""
		if d.Process {
			own = ""
		}
		if d.Live {
			live = "live"
		}
		b.WriteString(" " + own + " | " + live + " | " + strings.ReplaceAll(d.Sentence(), "|", `\|`) + " |\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// dashed returns a flag as it is written on the command line; "" for none.
func dashed(flag string) string {
	if flag == "" {
		return ""
	}
	return "--" + flag
}
