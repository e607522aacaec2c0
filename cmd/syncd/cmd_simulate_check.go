package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/contract"
	"syncd/internal/fetch"
	"syncd/internal/polarsim"
	"syncd/internal/report"
	"syncd/internal/terminal"
)

const (
	// checkPages is how many pages of a list are read from each end; checkOwners is for how many customers and other owners their
	// lists are read.
	checkPages, checkOwners = 2, 10
	// allPages and allOwners are the same for the simulated Polar.
	allPages, allOwners = 40, 400
)

// check compares a server with the simulated Polar.
func (cmd *simulateCmd) check(c *command) error {
	if err := cmd.checkAlone(); err != nil {
		return usageError(err)
	}
	c.sources.Flags["polar_server"] = cmd.Check
	return c.withClient(func(ctx context.Context, _ *config.Config, log *slog.Logger, client *fetch.Client) error {
		return cmd.compare(ctx, c.stdout, log, client)
	})
}

func (cmd *simulateCmd) compare(ctx context.Context, stdout io.Writer, log *slog.Logger, client *fetch.Client) error {
	// The first request goes through the client: it reports a wrong address, token or version as every command does.
	if _, err := client.Page(ctx, "/v1/organizations/", url.Values{"limit": {"1"}}); err != nil && !errors.Is(err, fetch.ErrScope) {
		return err
	}
	entries := catalog.Entries()
	enums := contract.Enums(entries)
	here, there := contract.NewView(enums), contract.NewView(enums)
	if err := lookAtSimulator(ctx, here, entries, client.Version(), log); err != nil {
		return err
	}
	samples := contract.SampleStreams(entries, client.Now())
	sampler := contract.Sampler{Server: fetch.NewRawClient(client), Pages: checkPages, Owners: checkOwners, Asks: func(list, path string) {
		log.Info("comparing", "stream", list, "path", path, "requests", client.Requests())
	}}
	if err := sampler.TakeSamples(ctx, there, here, samples); err != nil {
		return err
	}
	done := report.Check{Server: client.Server(), Version: client.Version(), Endpoints: there.Asked, Requests: client.Requests(), Report: contract.Compare(samples, there, here)}
	var err error
	if cmd.JSON {
		err = terminal.PrintJSON(stdout, done)
	} else {
		err = done.Print(stdout, cmd.Unseen)
	}
	if err == nil && len(done.Differences) > 0 {
		return errPartial
	}
	return err
}

// checkAlone refuses flags for serving: a check has simulated organizations of its own.
func (cmd *simulateCmd) checkAlone() error {
	if cmd.Token != "" {
		return errors.New("--check takes the token from POLAR_ACCESS_TOKEN or --polar-access-token-file: on the command line other users of the machine can see it")
	}
	if len(cmd.Fault)+len(cmd.Scopes)+len(cmd.Retire) > 0 || cmd.PerMinute != 0 || cmd.Keep != 0 || cmd.FeedLag != 0 || cmd.Orders != 0 {
		return errors.New("--check compares with a simulated Polar of its own: leave out the flags of serving one")
	}
	return nil
}

// lookAtSimulator starts a simulated Polar, sends it every request of the check, and stops it.
func lookAtSimulator(ctx context.Context, v *contract.View, entries []catalog.Entry, version string, log *slog.Logger) error {
	quiet := slog.New(slog.DiscardHandler)
	servers, err := polarsim.NewShowcase(polarsim.ServerOptions{Token: polarsim.AnyToken, Log: quiet})
	if err != nil {
		return fmt.Errorf("make a simulated Polar: %w", err)
	}
	for _, s := range servers {
		sim, err := polarsim.Listen(ctx, "127.0.0.1:0", s, log)
		if err != nil {
			return err
		}
		client, err := fetch.New(fetch.Config{Server: sim.URL, Token: polarsim.AnyToken, Version: version, RequestsPerMinute: -1, Log: quiet})
		if err == nil {
			sampler := contract.Sampler{Server: fetch.NewRawClient(client), Pages: allPages, Owners: allOwners}
			err = sampler.TakeSamples(ctx, v, nil, contract.SampleStreams(entries, s.World().Now()))
			client.Close()
		}
		if err := errors.Join(err, sim.Close()); err != nil {
			return fmt.Errorf("ask the simulated Polar: %w", err)
		}
	}
	return nil
}
