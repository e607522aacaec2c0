package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/google/uuid"

	"syncd/internal/config"
	"syncd/internal/humanize"
	"syncd/internal/store"
	"syncd/internal/store/erasure"
	"syncd/internal/terminal"
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
			return cmd.list(ctx, c, erasures)
		}
		customer, err := erasures.Find(ctx, cmd.Customer)
		if err != nil {
			return err
		}
		report, err := erasures.Erase(ctx, erasure.Order{Customers: []uuid.UUID{customer}, Reason: erasure.Asked, By: askedBy(), Trial: cmd.DryRun})
		if err != nil {
			return err
		}
		return cmd.print(c, customer, report)
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

func (cmd *eraseCmd) print(c *command, customer uuid.UUID, r erasure.Report) error {
	table := terminal.Table{Head: []string{"TABLE", "ROWS"}, Align: "lr"}
	for _, t := range r.Tables {
		table.Add(t.Table, humanize.Count(int(t.Rows)))
	}
	text := ""
	if len(r.Tables) > 0 {
		text = table.Text() + "\n"
	}
	rows := humanize.Count(int(r.Rows))
	if cmd.DryRun {
		text += fmt.Sprintf("customer %s: %s rows would be cleared; nothing was changed\n", customer, rows)
	} else {
		text += fmt.Sprintf("customer %s: %s rows were cleared, and syncd keeps the person out from now on\nnot cleared: Polar, backups, logs, and files that were fetched (see docs/personal-data.md)\n", customer, rows)
	}
	_, err := fmt.Fprint(c.stdout, text)
	return err
}

func (cmd *eraseCmd) list(ctx context.Context, c *command, erasures erasure.Erasures) error {
	list, err := erasures.List(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		_, err = fmt.Fprintln(c.stdout, "nobody is erased")
		return err
	}
	table := terminal.Table{Head: []string{"CUSTOMER", "SINCE", "CLEARED", "ROWS", "REASON", "BY"}, Align: "lllr"}
	for _, e := range list {
		table.Add(e.Customer.String(), date(e.NotedAt), date(e.ClearedAt), humanize.Count(int(e.Rows)), e.Reason, e.AskedBy)
	}
	return table.Print(c.stdout)
}

func date(at time.Time) string {
	if at.IsZero() {
		return "not yet"
	}
	return at.UTC().Format("2006-01-02 15:04 MST")
}
