package main

import (
	"fmt"
	"io"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/manual"
)

// helpCmd is listed; run has taken `help COMMAND` for `COMMAND --help` before it is parsed.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Command to tell of; by default all are listed."`
}

func (helpCmd) Run() error {
	return usageError(fmt.Errorf("write help first: syncd help COMMAND"))
}

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of ${enum}."`
}

// Help is the long description of the command.
func (completionCmd) Help() string {
	return `Prints a script that lets a shell complete commands, flags, and names of streams and organizations. make install puts the
scripts where the shells look for them. To try it in bash: source <(syncd completion bash)`
}

// completeCommand is what the scripts call.
const completeCommand = "__complete"

func (cmd *completionCmd) Run(c *command) error {
	_, err := io.WriteString(c.stdout, manual.Scripts("syncd", completeCommand)[cmd.Shell])
	return err
}

type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (cmd *completeCmd) Run(c *command) error {
	parser, _, err := c.parser(func(int) {})
	if err != nil {
		return err
	}
	words := cmd.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for flag, path := range manual.Given(words, "config", "organizations-dir") {
		c.sources.Flags[config.KeyOfFlag(flag)] = path
	}
	for _, candidate := range manual.Complete(parser.Model.Node, words, map[string][]string{
		"stream": catalog.Names(), "streams": catalog.Names(),
		"log-level": {"debug", "info", "warn", "error"}, "log-format": {"text", "json"}, "polar-server": {"production", "sandbox"},
		"organization": c.sources.Names(),
	}) {
		if _, err := fmt.Fprintf(c.stdout, "%s\t%s\n", candidate.Word, candidate.Help); err != nil {
			return err
		}
	}
	return nil
}

type manualCmd struct{}

// Run writes the page of man; `make generate` keeps it in docs/.
func (manualCmd) Run(c *command) error {
	parser, settings, err := c.parser(func(int) {})
	if err != nil {
		return err
	}
	page := manual.Page{
		Exits: []manual.Row{
			{Name: "0", Text: "Complete: everything that was asked for was done."},
			{Name: "1", Text: "Wrong flags, arguments or configuration: nothing was tried."},
			{Name: "2", Text: "Nothing could run."},
			{Name: "3", Text: "Partial: it ran, but something is missing."},
			{Name: "130", Text: "Interrupted by a signal: what was read is kept."},
		},
		Also: "The pages in docs/ of the repository, README.md first.",
	}
	for _, d := range settings {
		if d.Variable != "" {
			page.Environment = append(page.Environment, manual.Row{Name: d.Variable, Text: d.Sentence() + "."})
		}
	}
	_, err = io.WriteString(c.stdout, manual.Roff(parser.Model.Node, page))
	return err
}
