package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/terminal"
)

// backfillCmds read what lies back. A stream's name alone means a window of it.
type backfillCmds struct {
	Window  backfillCmd        `cmd:"" default:"withargs" help:"Read a window of time of one stream; the same command goes on with an interrupted one." example:"syncd backfill window orders --since 2024-01-01 --until 2024-02-01"`
	History backfillHistoryCmd `cmd:"" help:"Rebuild what happened to subscriptions before syncd was there, from Polar's events and from orders." example:"syncd backfill history --dry-run"`
}

type backfillCmd struct {
	Stream string `arg:"" help:"Stream to read: ${windowed}."`
	Since  string `required:"" placeholder:"DATE" help:"Start of the window, inclusive: 2024-01-31 (UTC), or 2024-01-31T12:00:00+02:00."`
	Until  string `placeholder:"DATE" help:"End of the window, exclusive; by default now."`
	outputFlags
	mirrorFlags
}

// Help is the long description of the command.
func (cmd *backfillCmd) Help() string {
	var b strings.Builder
	b.WriteString(`Reads and stores the rows of a window of time. To go on with a backfill that was interrupted, give the same command
again. A sync of the stream may run at the same time. Nothing is marked as deleted, since a window does not prove absence.
A window does not see:
`)
	for _, s := range catalog.Entries() {
		if by, unseen := s.WindowField(); by != "" {
			fmt.Fprintf(&b, "\n- %s, by %s: %s", s.Name, by, unseen)
		}
	}
	b.WriteString("\n\nOnly a sync of the whole stream sees all of these.")
	return b.String()
}

// windowedStreams names the streams that can be read by windows of time.
func windowedStreams() (names []string) {
	for _, s := range catalog.Entries() {
		if by, _ := s.WindowField(); by != "" {
			names = append(names, s.Name)
		}
	}
	return names
}

func (cmd *backfillCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	since, until, wrong := cmd.parseWindow(time.Now())
	if err := errors.Join(err, wrong); err != nil {
		return usageError(err)
	}
	return c.backfill(cfg, log, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) (*mirror.Result, error) {
		r := org.Mirror.Backfill(ctx, cmd.Stream, since, until)
		bars.Close()
		return &r, c.report(cmd.outputFlags, terminal.NewRun(r), func(w io.Writer) error { return cmd.print(w, r, since, until) })
	})
}

// backfill reads what lies back, once Polar has shown whose the token is. The exit code follows from the run that work returns, if there was one.
func (c *command) backfill(cfg *config.Config, log *slog.Logger, work func(context.Context, *daemon.Organization, *terminal.Progress) (*mirror.Result, error)) error {
	return c.withBars(cfg, log, false, func(ctx context.Context, org *daemon.Organization, bars *terminal.Progress) error {
		if err := org.Mirror.CheckAccess(ctx); err != nil {
			return daemon.InterruptionOr(ctx, err)
		}
		r, err := work(ctx, org, bars)
		switch {
		case err != nil:
			return daemon.InterruptionOr(ctx, err)
		case r == nil:
			return nil
		}
		var untold error // the results tell why, unless nobody sees them
		if c.quiet {
			untold = r.Err
		}
		switch {
		case r.Outcome == mirror.Interrupted && c.interrupted():
			return daemon.ErrInterrupted
		case r.Outcome == mirror.Failed && r.Pages == 0:
			return &exitError{exitFailed, untold}
		case !r.IsWhole():
			return &exitError{exitPartial, untold}
		}
		return nil
	})
}

// print says what was read, and what was not.
func (cmd *backfillCmd) print(w io.Writer, r mirror.Result, since, until time.Time) error {
	by, unseen := cmd.stream().WindowField()
	end := "now"
	if !until.IsZero() {
		end = until.Format(time.RFC3339)
	}
	text := fmt.Sprintf("%s by %s, from %s to before %s: %s\n%s read, %s new, %s changed, in %s requests and %s\n",
		r.Stream, by, since.Format(time.RFC3339), end, terminal.OutcomeText(r), humanize.Count(r.Read), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Requests), humanize.Elapsed(r.Duration))
	if r.Reason != "" {
		text += r.Reason + "\n"
	}
	if r.Outcome == mirror.Interrupted || r.Outcome == mirror.Failed && r.Pages > 0 {
		text += "The same command goes on where it stopped.\n"
	}
	text += "Not seen: " + unseen + ". Nothing was marked as deleted.\n"
	_, err := io.WriteString(w, text)
	return err
}

func (cmd *backfillCmd) stream() catalog.Entry {
	all := catalog.Entries()
	return all[slices.IndexFunc(all, func(s catalog.Entry) bool { return s.Name == cmd.Stream })]
}

// parseWindow reads stream and dates, and refuses impossible ones before anything is opened.
func (cmd *backfillCmd) parseWindow(now time.Time) (since, until time.Time, err error) {
	if _, err := resolveStreams([]string{cmd.Stream}); err != nil {
		return since, until, err
	}
	if by, _ := cmd.stream().WindowField(); by == "" {
		return since, until, fmt.Errorf("%s cannot be read by windows of time; these can: %s. Run `syncd sync %s`", cmd.Stream, strings.Join(windowedStreams(), ", "), cmd.Stream)
	}
	since, err = parseDate("--since", cmd.Since)
	if cmd.Until != "" {
		var e error
		until, e = parseDate("--until", cmd.Until)
		err = errors.Join(err, e)
	}
	switch {
	case err != nil:
	case until.IsZero() && !since.Before(now):
		err = fmt.Errorf("--since %s lies in the future", cmd.Since)
	case !until.IsZero() && !since.Before(until):
		err = fmt.Errorf("the window is empty: --until %s is not after --since %s", cmd.Until, cmd.Since)
	}
	return since, until, err
}

// parseDate reads a day, which begins at midnight in UTC, or a time with its offset.
func parseDate(name, text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("%s %q is no date: write it as 2024-01-31, or with a time and its offset as 2024-01-31T12:00:00Z", name, text)
	}
	return at.UTC(), nil
}
