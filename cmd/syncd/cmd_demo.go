package main

import (
	"errors"
	"os"
	"os/exec"

	"syncd/internal/daemon"
	"syncd/internal/demo"
)

type demoCmd struct {
	Customers int    `default:"200" help:"Customers of the simulated organization."`
	Orders    int    `help:"Its orders; by default their number follows from the customers."`
	Seed      uint64 `default:"1" help:"Another seed gives another organization."`
	Keep      bool   `help:"Leave everything running until Ctrl-C, and show what to try."`
	Details   bool   `help:"Print the result of each stream, the comparison of each table, and the SQL of the answers, too."`
	Postgres  string `placeholder:"URL" help:"Use this server instead of a private one; the demo makes a database on it and drops it at the end."`
}

func (cmd *demoCmd) Run(c *command) error {
	cfg, log, err := c.config()
	if err == nil && (cmd.Customers < 1 || cmd.Orders < 0) {
		err = errors.New("--customers must be 1 or more, --orders cannot be negative")
	}
	if err != nil {
		return usageError(err)
	}
	program, err := exec.LookPath(os.Args[0])
	if err != nil {
		return err
	}
	ctx, release := c.interruptible()
	defer release()
	bars := c.newProgress(cfg)
	whole, err := demo.Run(ctx, demo.Options{
		Customers: cmd.Customers, Orders: cmd.Orders, Seed: cmd.Seed, Keep: cmd.Keep, Details: cmd.Details, Postgres: cmd.Postgres, Program: program,
		Config: cfg, Out: c.stdout, Bars: bars, Log: log, RunLog: c.beside(cfg, log),
	})
	switch {
	case err != nil:
		return daemon.InterruptionOr(ctx, err)
	case !whole:
		return errPartial
	}
	return nil
}
