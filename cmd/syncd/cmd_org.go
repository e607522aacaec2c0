package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fetch"
	"syncd/internal/organizations"
	"syncd/internal/terminal"
	"syncd/internal/token"
)

type orgCmd struct {
	Add    orgAddCmd    `cmd:"" help:"Add an organization: write its file into organizations_dir." example:"syncd org add acme --polar-access-token-file /run/secrets/acme"`
	List   orgListCmd   `cmd:"" help:"List the organizations, and what their tables tell." example:"syncd org list --json"`
	Remove orgRemoveCmd `cmd:"" help:"Remove the file of an organization; its data stay, unless they are to be dropped." example:"syncd org remove acme --drop-data"`
}

type orgAddCmd struct {
	Name  string `arg:"" help:"Its name: letters, digits, _ and -."`
	Check bool   `default:"true" negatable:"" help:"Ask Polar first whether the token works, and whose it is."`
	databaseFlags
	polarFlags
	streamFlags
	scheduleFlags
}

// Help is the long description of the command.
func (*orgAddCmd) Help() string {
	return `What flags say of an organization goes into its file, which you alone can read. The access token is that of
--polar-access-token-file, which the file names, or of POLAR_ACCESS_TOKEN, which is written into it. A daemon takes up the
organization within ten seconds.`
}

func (cmd *orgAddCmd) Run(c *command) error {
	if err := config.CheckName(cmd.Name); err != nil {
		return usageError(err)
	}
	c.sources = c.sources.Adding(cmd.Name)
	if _, err := c.sources.Organizations(); err != nil {
		return err
	}
	c.sources = c.sources.Of(cmd.Name)
	cfg, log, err := c.config(config.GroupPolar)
	if err != nil {
		return err
	}
	whose := "the token was not tried"
	if cmd.Check {
		err = c.asking(cfg, log, func(ctx context.Context, _ *config.Config, _ *slog.Logger, client *fetch.Client) error {
			id, err := token.Organization(ctx, client, cfg.OrganizationID)
			whose = fmt.Sprintf("organization %s at %s", id, client.Server())
			return err
		})
	}
	if err != nil {
		return err
	}
	path, err := c.sources.WriteAdded()
	if err != nil {
		return usageError(err)
	}
	_, err = fmt.Fprintf(c.stdout, "wrote %s: %s, schema %s\na daemon takes it up within ten seconds; without one: syncd sync --organization %s\n", path, whose, cfg.Schema, cmd.Name)
	return err
}

type orgListCmd struct{ outputFlags }

func (cmd *orgListCmd) Run(c *command) error {
	names, err := c.sources.Organizations()
	if err != nil {
		return err
	}
	if names == nil {
		return usageError(errors.New("the configuration has no organizations: set organizations_dir, or write a list (see docs/fleet.md)"))
	}
	_, log, err := c.config()
	if err != nil {
		return err
	}
	ctx, release := c.interruptible()
	defer release()
	list, err := organizations.List(ctx, c.sources, names, log)
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	return c.report(cmd.outputFlags, list, list.Print)
}

type orgRemoveCmd struct {
	Name     string `arg:"" name:"organization" help:"Its name in the configuration."`
	DropData bool   `help:"Drop its schemas, if nothing in them or of them is somebody else's."`
	Yes      bool   `help:"Do not ask before data are dropped."`
}

func (cmd *orgRemoveCmd) Run(c *command) error {
	ctx, release := c.interruptible()
	defer release()
	_, log, err := c.config()
	if err != nil {
		return err
	}
	path, dropped, err := organizations.Removal{Sources: c.sources, Name: cmd.Name, Data: cmd.DropData, Sure: cmd.sure(c), Log: log}.Do(ctx)
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	said := "its data stay"
	if cmd.DropData {
		said = "dropped the schemas " + strings.Join(dropped, ", ")
	}
	_, err = fmt.Fprintf(c.stdout, "removed %s; %s\n", path, said)
	return err
}

// sure asks whether schemas are to be dropped: the name of the organization is the answer.
func (cmd *orgRemoveCmd) sure(c *command) func([]string) error {
	return func(schemas []string) error {
		if cmd.Yes {
			return nil
		}
		all := strings.Join(schemas, ", ")
		if !terminal.IsTerminal(os.Stdin) {
			return usageError(fmt.Errorf("this would drop the schemas %s, with all data: add --yes if that is meant", all))
		}
		fmt.Fprintf(c.stderr, "This drops the schemas %s, with all data. Type %s to go on: ", all, cmd.Name)
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if strings.TrimSpace(answer) != cmd.Name {
			return usageError(errors.New("the answer was not " + cmd.Name + ": nothing was changed"))
		}
		return nil
	}
}
