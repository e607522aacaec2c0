package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"syncd/internal/check"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/status"
	"syncd/internal/store"
)

type checkCmd struct {
	JSON bool `name:"json" help:"As JSON."`
	mirrorFlags
}

// Help is the long description of the command.
func (*checkCmd) Help() string {
	return `Asks the database and Polar for all that a first sync needs, and writes nothing: reachable or not, rights, version,
schema, disk; token, organization, scopes, version of the API, budget; clocks. It takes about 25 requests.

Exit code 0: all is well, or a warning costs nothing; 1: the configuration has a problem; 2: syncd cannot work like this;
3: it can, and some streams will not be mirrored.`
}

func (cmd *checkCmd) Run(c *command) error {
	return c.withClient(func(ctx context.Context, cfg *config.Config, log *slog.Logger, client *fetch.Client) error {
		report := check.Run(ctx, check.Config{
			Open:     func(ctx context.Context) (*store.Store, error) { return daemon.OpenStore(ctx, cfg, log) },
			Parallel: cfg.Parallel, Client: client, Token: cfg.AccessToken.Reveal(), OrganizationID: cfg.OrganizationID,
			Scopes: daemon.Scopes(cfg.StreamsOff), WarnDays: status.WarnDays, TempDir: os.TempDir(),
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return cmd.print(c, report)
	}, config.GroupDatabase)
}

// print shows the report, and tells by an error how it ended.
func (cmd *checkCmd) print(c *command, report check.Report) (err error) {
	if cmd.JSON {
		err = c.printJSON(report)
	} else {
		_, err = fmt.Fprint(c.stdout, report.Text())
	}
	switch {
	case err != nil:
		return err
	case report.Failed():
		return &exitError{exitFailed, errors.New("syncd cannot work like this: see the lines that begin with `fail`")}
	case report.CostsStreams():
		return errPartial
	}
	return nil
}
