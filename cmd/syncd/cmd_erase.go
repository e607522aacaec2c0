package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/user"

	"github.com/google/uuid"

	"syncd/internal/config"
	"syncd/internal/report"
	"syncd/internal/store"
	"syncd/internal/store/erasure"
)

type eraseCmd struct {
	Customer string `arg:"" optional:"" help:"A customer: its Polar id, its id in your own system (external id), or its address."`
	DryRun   bool   `help:"Say what would be cleared, by table and rows, and change nothing."`
	List     bool   `organizations:"each" help:"List the customers who are erased."`
	databaseFlags
}

// Help is the long description of the command.
func (cmd *eraseCmd) Help() string {
	return `Clears names, addresses, metadata and whatever else is personal of one customer, in all tables, the history and
the bookkeeping, in one transaction. Ids, money, statuses and times stay, so sums stay right. From then on
nothing that syncd does brings the person back, also while Polar still shows them. It cannot be taken back.

It sends nothing to Polar: erase the person there, too. Backups are not cleared: see docs/personal-data.md.`
}

func (cmd *eraseCmd) Run(c *command) error {
	if cmd.List == (cmd.Customer != "") || cmd.List && cmd.DryRun {
		return usageError(errors.New("name one customer to erase, or list those who are with --list (see `syncd erase --help`)"))
	}
	err := c.withTables(func(ctx context.Context, _ *config.Config, s *store.Store) error {
		erasures := erasure.New(s.Pool())
		if cmd.List {
			list, err := erasures.List(ctx)
			if err == nil {
				err = report.PrintErasures(c.stdout, list)
			}
			return err
		}
		customer, err := erasures.Find(ctx, cmd.Customer)
		if err != nil {
			return err
		}
		done, err := erasures.Erase(ctx, erasure.Order{Customers: []uuid.UUID{customer}, Reason: erasure.Asked, By: askedBy(), Trial: cmd.DryRun})
		if err != nil {
			return err
		}
		return report.PrintErasure(c.stdout, customer, done, cmd.DryRun)
	})
	if errors.Is(err, erasure.ErrUnknown) || errors.Is(err, erasure.ErrAmbiguous) {
		return usageError(err)
	}
	return err
}

// askedBy names who runs the command.
func askedBy() string {
	who, host := "unknown", "unknown-host"
	if u, err := user.Current(); err == nil {
		who = cmp.Or(u.Username, who)
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return who + " on " + host
}
