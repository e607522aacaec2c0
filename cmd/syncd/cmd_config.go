package main

import (
	"io"

	"syncd/internal/config"
	"syncd/internal/terminal"
)

type configCmd struct {
	Print     configPrintCmd     `cmd:"" organizations:"each" help:"Show each effective value and where it came from. Secrets are hidden." example:"syncd config print --config syncd.yaml"`
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
		_, err := io.WriteString(c.stdout, config.Table(settings))
		return err
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

// dashed returns a flag as it is written on the command line; "" for none.
func dashed(flag string) string {
	if flag == "" {
		return ""
	}
	return "--" + flag
}
