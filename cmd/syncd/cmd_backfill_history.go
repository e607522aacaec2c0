package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/rebuild"
	"syncd/internal/terminal"
)

type backfillHistoryCmd struct {
	DryRun bool `help:"Say what would be rebuilt, or read first; write nothing."`
	Again  bool `help:"Read the events from Polar again that an earlier rebuild has read."`
	outputFlags
	mirrorFlags
}

// Help is the long description of the command.
func (cmd *backfillHistoryCmd) Help() string {
	return `Rebuilds what happened to subscriptions before syncd recorded their changes: from Polar's own events, from orders, and
from the times in the rows. The changes are added to the table changes, with numbers below zero, so a reader of the feed does
not get them. subscription_history and subscriptions_as_of() show them.

Events come from the table events if the stream is on and all are kept. Else they are read from Polar once, 100 in a request.
To go on with a rebuild that was interrupted, give the same command again. It may run beside syncd run, and any number of
times: what has not changed is not written.`
}

func (cmd *backfillHistoryCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	if err != nil {
		return usageError(err)
	}
	return c.backfill(cfg, log, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) (*mirror.Result, error) {
		r, err := rebuild.Run(ctx, org.Mirror.Engine, rebuild.Options{Trial: cmd.DryRun, Again: cmd.Again})
		bars.Close()
		if err == nil {
			err = c.report(cmd.outputFlags, newRebuilt(r), func(w io.Writer) error {
				_, err := io.WriteString(w, cmd.describe(r))
				return err
			})
		}
		return r.Read, err
	})
}

// rebuilt is what was rebuilt, for other programs.
type rebuilt struct {
	Subscriptions int            `json:"subscriptions"`
	From          time.Time      `json:"from,omitzero"`
	Until         time.Time      `json:"until,omitzero"`
	Versions      map[string]int `json:"versions,omitempty"` // by what tells of them
	Written       int            `json:"written"`
	Events        *terminal.Run  `json:"events,omitempty"`                 // how the events were read
	Unread        int            `json:"requests_to_read_first,omitempty"` // about
}

func newRebuilt(r rebuild.Report) rebuilt {
	b := rebuilt{Subscriptions: r.Subscriptions, From: r.From.UTC(), Until: r.Until.UTC(), Versions: r.Versions, Written: r.Written}
	if r.Read != nil {
		read := terminal.NewRun(*r.Read)
		b.Events = &read
	}
	if r.Unread != nil {
		b.Unread = r.Unread.Requests
	}
	return b
}

// describe says what was rebuilt, and from what.
func (cmd *backfillHistoryCmd) describe(r rebuild.Report) string {
	var b strings.Builder
	if u := r.Unread; u != nil {
		fmt.Fprintf(&b, "%s events of Polar's would be read first, in about %s requests; what they tell of %s subscriptions is known then.\n", humanize.Count(u.Rows), humanize.Count(u.Requests), humanize.Count(r.Subscriptions))
		return b.String()
	}
	if read := r.Read; read != nil {
		fmt.Fprintf(&b, "events: %s; %s read, %s new, in %s requests and %s\n", terminal.OutcomeText(*read), humanize.Count(read.Read), humanize.Count(read.Inserted), humanize.Count(read.Requests), humanize.Elapsed(read.Duration))
		if read.Reason != "" {
			b.WriteString(read.Reason + "\n")
		}
		if read.Outcome != mirror.Succeeded && read.Outcome != mirror.Partial {
			b.WriteString("Nothing was rebuilt. The same command goes on where it stopped.\n")
			return b.String()
		}
	}
	if r.Changes == 0 {
		fmt.Fprintf(&b, "There was no subscription when changes began to be recorded, at %s: nothing to rebuild.\n", r.Until.UTC().Format(time.RFC3339))
		return b.String()
	}
	written := "written"
	if cmd.DryRun {
		written = "to be written"
	}
	fmt.Fprintf(&b, "%s subscriptions, from %s to %s: %s versions, of which %s are told by events, %s by orders and %s by the rows themselves\n%s of them %s, of %s subscriptions\n",
		humanize.Count(r.Subscriptions), r.From.UTC().Format(time.RFC3339), r.Until.UTC().Format(time.RFC3339), humanize.Count(r.Changes),
		humanize.Count(r.Versions["event"]), humanize.Count(r.Versions["order"]), humanize.Count(r.Versions["baseline"]),
		humanize.Count(r.Written), written, humanize.Count(r.Replaced))
	return b.String()
}
