package main

import (
	"fmt"
	"maps"
	"os"

	"syncd/internal/config"
	"syncd/internal/terminal"
)

type initCmd struct {
	Output string `short:"o" default:"syncd.yaml" placeholder:"PATH" help:"Where to write it."`
	Force  bool   `help:"Overwrite a file."`
	daemonFlags
}

// Help is the long description of the command.
func (*initCmd) Help() string {
	return `Writes a configuration file in which each setting has a comment. On a terminal it asks for what has no default; flags
answer beforehand. It is readable by you alone. The access token stays in a file of its own, which it only names.`
}

func (cmd *initCmd) Run(c *command) error {
	values, settings := maps.Clone(c.sources.Flags), c.sources.Domain
	delete(values, "config") // which a file cannot hold
	if err := settings.Check(values); err != nil {
		return usageError(err)
	}
	if terminal.IsTerminal(os.Stdin) {
		if err := settings.Ask(os.Stdin, c.stderr, values); err != nil {
			return err
		}
	}
	if err := settings.WriteFile(cmd.Output, values, cmd.Force); err != nil {
		return usageError(err)
	}
	_, err := fmt.Fprint(c.stdout, config.Next(cmd.Output, values))
	return err
}
