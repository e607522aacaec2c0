package main

import (
	"context"
	"errors"

	"syncd/internal/config"
	"syncd/internal/mirror"
	"syncd/internal/report"
	"syncd/internal/store"
	"syncd/internal/store/counts"
)

type verifyCmd struct {
	Streams []string `arg:"" optional:"" help:"Streams to judge, even if they are off; by default all that are on."`
	Count   bool     `help:"Count the rows of the tables, and compare with the number that is kept of each: reads every table once."`
	JSON    bool     `name:"json" help:"As JSON."`
	databaseFlags
	streamFlags
}

// Run judges by what the runs have recorded. It sends nothing to Polar.
func (cmd *verifyCmd) Run(c *command) error {
	names, unknown := resolveStreams(cmd.Streams)
	cfg, _, err := c.config(config.GroupDatabase)
	if err := errors.Join(err, unknown); err != nil {
		return usageError(err)
	}
	off := cfg.WhyOff
	if len(cmd.Streams) > 0 { // named streams are judged even if they are off
		off = func(string) string { return "" }
	}
	var found report.Verification
	err = c.withTables(func(ctx context.Context, _ *config.Config, s *store.Store) error {
		list, err := s.Streams().Standings(ctx, names)
		if err != nil {
			return err
		}
		found = report.NewVerification(list, off)
		emptied, err := s.Streams().ListEmptied(ctx)
		found.Wrong = mirror.LooksWrong(emptied)
		if err == nil && cmd.Count {
			err = found.Count(func(stream string) (counts.Comparison, error) { return counts.New(s.Pool()).Compare(ctx, stream) })
		}
		return err
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		err = c.printJSON(found)
	} else {
		err = found.Print(c.stdout)
	}
	if err == nil && !found.Whole {
		return errPartial
	}
	return err
}
