package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/terminal"
)

type refreshCmd struct {
	Stream   string   `arg:"" help:"Stream that the objects belong to."`
	IDs      []string `arg:"" name:"id" help:"Polar's ids of the objects. With --external-id, your own ids: that of a customer, or those of a customer and a member."`
	External bool     `name:"external-id" help:"The ids are those of your own system, for customers and members."`
	outputFlags
	mirrorFlags
}

// Help is the long description of the command.
func (cmd *refreshCmd) Help() string {
	return `Fetches single objects from Polar and writes their whole rows, even if nothing seems to have changed: so it repairs a
row that was damaged by hand. An object that Polar says does not exist is marked as deleted, with the answer as
evidence; no other answer marks anything. A sync of the stream may run at the same time.

Exit code 0: each object was written or marked; 1: unknown stream or malformed id; 2: Polar could not be asked; 3: some
could not be written, or neither Polar nor the mirror has them.`
}

func (cmd *refreshCmd) Run(c *command) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	ids, wrong := cmd.parseIDs()
	if err := errors.Join(err, wrong); err != nil {
		return usageError(err)
	}
	ctx, org, done, err := c.open(cfg, c.beside(cfg, log), false, nil)
	if err != nil {
		return err
	}
	defer done()
	if err := org.Mirror.CheckAccess(ctx); err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	var results []mirror.Result
	if cmd.External {
		for one := range slices.Chunk(cmd.IDs, cmd.externalIDs()) {
			results = append(results, org.Mirror.RefreshExternal(ctx, cmd.Stream, one...))
		}
	} else {
		results = append(results, org.Mirror.Refresh(ctx, cmd.Stream, ids...))
	}
	var failed error
	for _, r := range results {
		if r.Outcome == mirror.Failed {
			failed = errors.Join(failed, r.Err)
		}
	}
	err = c.report(cmd.outputFlags, terminal.NewRuns(results), func(w io.Writer) error { return printRefreshed(w, results) })
	if err != nil {
		return err
	}
	return exitOf(results, failed)
}

func printRefreshed(w io.Writer, results []mirror.Result) error {
	var b strings.Builder
	for _, r := range results {
		if r.Outcome == mirror.Failed { // its error is told
			continue
		}
		fmt.Fprintf(&b, "%s: %s, %s fetched, %s new, %s rewritten, %s marked as deleted\n", r.Stream, terminal.OutcomeText(r), humanize.Count(r.Read), humanize.Count(r.Inserted), humanize.Count(r.Updated), humanize.Count(r.Deleted))
		if r.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", r.Reason)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// externalIDs is how many ids of the user's own system name one object of the stream; 0 where none do.
func (cmd *refreshCmd) externalIDs() int {
	for _, s := range catalog.Entries() {
		if s.Name == cmd.Stream {
			_, n := s.RefreshKeys()
			return n
		}
	}
	return 0
}

// parseIDs reads the ids, and refuses impossible ones before anything is opened.
func (cmd *refreshCmd) parseIDs() (ids []uuid.UUID, err error) {
	if _, err := resolveStreams([]string{cmd.Stream}); err != nil {
		return nil, err
	}
	var single, external []string
	for _, s := range catalog.Entries() {
		byID, n := s.RefreshKeys()
		if byID {
			single = append(single, s.Name)
		}
		if n > 0 {
			external = append(external, s.Name)
		}
	}
	if cmd.External {
		switch n := cmd.externalIDs(); {
		case n == 0:
			return nil, fmt.Errorf("Polar finds no %s by external ids; it finds these: %s", cmd.Stream, strings.Join(external, ", "))
		case len(cmd.IDs)%n != 0:
			return nil, fmt.Errorf("one of %s takes %d external ids: that of the customer, then that of the member", cmd.Stream, n)
		}
		return nil, nil
	}
	if !slices.Contains(single, cmd.Stream) {
		return nil, fmt.Errorf("%s cannot be fetched one by one: run `syncd sync %s`; streams that can be refreshed: %s", cmd.Stream, cmd.Stream, strings.Join(single, ", "))
	}
	var errs []error
	for _, text := range cmd.IDs {
		id, err := uuid.Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q is no id of Polar (a UUID): for an id of your own system use --external-id", text))
		}
		ids = append(ids, id)
	}
	return ids, errors.Join(errs...)
}
