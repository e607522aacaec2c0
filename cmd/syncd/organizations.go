package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/alecthomas/kong"

	"syncd/internal/config"
	"syncd/internal/terminal"
)

// A command that works for an organization says by the tag `organizations` what it does where the configuration has several: its
// work for each, one after the other, for the one that has to be named, or for all of them at once. A flag that changes this has a tag of its own.
const (
	forEach = "each"
	forOne  = "one"
	forAll  = "all"
)

// reachOf is the tag of a command as it was called; "" = it does not work for an organization.
func reachOf(parsed *kong.Context) (reach string) {
	for node := parsed.Selected(); node != nil && reach == ""; node = node.Parent {
		reach = node.Tag.Get("organizations")
	}
	for _, flag := range parsed.Flags() {
		if own := flag.Tag.Get("organizations"); own != "" && isOn(parsed, flag.Name) {
			reach = own
		}
	}
	return reach
}

// isOn: a command has this switch, and it is on.
func isOn(parsed *kong.Context, name string) bool {
	return slices.ContainsFunc(parsed.Flags(), func(flag *kong.Flag) bool {
		on, is := parsed.FlagValue(flag).(bool)
		return flag.Name == name && is && on
	})
}

// runFor runs a command for the organizations that are meant, and returns its exit code.
func (c *command) runFor(parsed *kong.Context) int {
	reach := reachOf(parsed)
	if reach == "" || reach == forAll {
		return c.exit(parsed.Run(c))
	}
	names, err := c.sources.Organizations()
	switch {
	case names == nil: // there is one, without a name
		return c.exit(parsed.Run(c))
	case err != nil:
		return c.exit(err)
	case len(names) == 0:
		return c.exit(usageError(errors.New("the configuration has no organization yet: `syncd org add NAME` adds one")))
	case len(names) > 1 && reach == forOne:
		return c.exit(usageError(fmt.Errorf("`syncd %s` works for one organization, and the configuration has %d: add --organization NAME with one of %s", parsed.Selected().Path(), len(names), config.Listed(names))))
	}
	return c.runForEach(parsed, names)
}

// runForEach runs a command for one organization after the other, each under its name. One that fails does not stop the others; the
// exit code is the worst of theirs.
func (c *command) runForEach(parsed *kong.Context, names []string) (worst int) {
	all := c.sources
	for i, name := range names {
		if c.interrupted() || c.timeIsUp.Load() {
			fmt.Fprintf(c.stderr, "syncd: stopped before %s and what comes after it: %d of %d organizations\n", name, len(names)-i, len(names))
			return worse(worst, exitPartial)
		}
		c.sources, c.organization = all.Of(name), name
		if len(names) > 1 && !isOn(parsed, "json") {
			fmt.Fprintf(c.stdout, "-- %s (%d of %d)\n", name, i+1, len(names))
		}
		worst = worse(worst, c.exit(parsed.Run(c)))
	}
	return worst
}

// worse is the worse of two exit codes.
func worse(a, b int) int {
	order := []int{exitComplete, exitPartial, exitUsage, exitFailed, exitInterrupted}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// named is a log whose lines say whose they are.
func (c *command) named(log *slog.Logger) *slog.Logger {
	if c.organization == "" {
		return log
	}
	return log.With("organization", c.organization)
}

// printJSON prints a value, and whose it is: by the name in the configuration. The organization of a report is its id at Polar.
func (c *command) printJSON(value any) error {
	if c.organization == "" {
		return terminal.PrintJSON(c.stdout, value)
	}
	return terminal.PrintJSONOf(c.stdout, "organization_name", c.organization, value)
}
