package main

import (
	"io"
	"log/slog"

	"syncd/internal/config"
	"syncd/internal/terminal"
)

// quiet is the flag that silences a command.
type quiet bool

// AfterApply is called by the parser, for each command that has the flag.
func (q quiet) AfterApply(c *command) error {
	if q {
		c.quiet, c.stdout = true, io.Discard
	}
	return nil
}

// report tells what a command did: as JSON, or as text.
func (c *command) report(o outputFlags, value any, text func(io.Writer) error) error {
	if o.JSON {
		return c.printJSON(value)
	}
	return text(c.stdout)
}

// newProgress shows runs as well as standard error allows. A log in JSON, or one whose level was chosen, tells of runs itself.
func (c *command) newProgress(cfg *config.Config) *terminal.Progress {
	mode := terminal.ModeOf(c.stderr, c.sources.Environ["TERM"])
	if c.quiet || c.json || mode == terminal.Lines && c.choseLevel(cfg) {
		mode = terminal.Silent
	}
	return terminal.NewProgress(mode, c.stderr, c.logs)
}

// beside is the log of work whose results are shown: without what repeats them, unless somebody wants it in JSON or chose a level.
func (c *command) beside(cfg *config.Config, log *slog.Logger) *slog.Logger {
	if !c.quiet && (c.json || c.choseLevel(cfg)) {
		return log
	}
	return terminal.Beside(log)
}

func (c *command) choseLevel(cfg *config.Config) bool {
	_, flag := c.sources.Flags["log_level"]
	return flag || cfg.LogLevel != slog.LevelInfo
}
