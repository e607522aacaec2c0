// Command syncd mirrors the billing data of a Polar organization into Postgres.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // schedules name time zones, and a container image may have none

	"github.com/alecthomas/kong"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/mirror"
	"syncd/internal/terminal"
)

// Exit codes.
const (
	exitComplete = 0 // everything requested was done
	exitUsage    = 1 // wrong flags, arguments or configuration: nothing was tried
	exitFailed   = 2 // could not run at all
	exitPartial  = 3 // ran, but something is missing

	exitInterrupted = 130 // stopped by a signal: what was read is kept
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	environ := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		environ[name] = value
	}
	os.Exit(run(context.Background(), signals, os.Args[1:], environ, os.Stdout, os.Stderr))
}

// cli is the command line.
type cli struct {
	Demo     demoCmd      `cmd:"" help:"See it work: a private Postgres, a simulated Polar, and a sync from one to the other." example:"syncd demo --customers 500 --keep"`
	Init     initCmd      `cmd:"" help:"Write a configuration file, with a comment on each setting." example:"syncd init --polar-server sandbox --output syncd.yaml"`
	Check    checkCmd     `cmd:"" organizations:"each" help:"Say whether syncd would work as it is configured, before anything is written; exit code 0, 2 or 3." example:"syncd check --json"`
	Sync     syncCmd      `cmd:"" organizations:"each" help:"Sync streams once, all or those named, and exit." example:"syncd sync customers orders"`
	Run      runCmd       `cmd:"" organizations:"all" help:"Run the daemon: sync every stream on its schedule." example:"syncd run --schedule '@every 6h' --listen 127.0.0.1:9464"`
	Tail     tailCmd      `cmd:"" organizations:"each" help:"Look once for changes since the last look, with few requests, as the daemon does every few minutes." example:"syncd tail orders subscriptions"`
	Status   statusCmd    `cmd:"" organizations:"each" help:"Show for each stream its last run, rows, age and next run." example:"syncd status --json"`
	Health   healthCmd    `cmd:"" help:"Ask the daemon whether it is alive, or ready; exit code 0 or 2." example:"syncd health --ready"`
	Verify   verifyCmd    `cmd:"" organizations:"each" help:"Say whether the mirror is whole as of the last sweeps, without a request to Polar; exit code 0 or 3." example:"syncd verify orders subscriptions --json"`
	Drift    driftCmd     `cmd:"" organizations:"each" help:"List what Polar sends and this syncd does not know, and acknowledge it; exit code 0 or 3." example:"syncd drift orders --ack"`
	Plan     planCmd      `cmd:"" organizations:"each" help:"Estimate what syncing costs in requests, and whether the budget suffices; exit code 0 or 1." example:"syncd plan --schedule '@every 6h' --tail 1m --json"`
	Refresh  refreshCmd   `cmd:"" organizations:"one" help:"Fetch single objects by id and write them again." example:"syncd refresh customers --external-id acct_42"`
	Backfill backfillCmds `cmd:"" organizations:"one" help:"Read a window of time of one stream, or rebuild what happened before syncd was there." example:"syncd backfill orders --since 2024-01-01 --until 2024-02-01"`
	Invoice  invoiceCmd   `cmd:"" organizations:"one" help:"Fetch the invoice of an order as PDF, if it was generated." example:"syncd invoice ACME-1042 -o invoice.pdf"`
	Receipt  receiptCmd   `cmd:"" organizations:"one" help:"Fetch the receipt of an order as PDF." example:"syncd receipt 3f2a6f9e-2d6b-4d53-9f1e-0c9a6c1f7a11 -o - | lpr"`
	Audit    auditCmd     `cmd:"" organizations:"each" help:"Compare the mirror with Polar's exports, counts and metrics; heal the differences. Exit code 0 or 3." example:"syncd audit orders subscriptions"`
	MCP      mcpCmd       `cmd:"" organizations:"one" name:"mcp" help:"Let an AI assistant read the mirror, by the Model Context Protocol, over stdio or HTTP." example:"syncd mcp --listen 127.0.0.1:9465"`
	Approve  approveCmd   `cmd:"" organizations:"one" name:"approve-deletions" help:"Let through the deletions that the brake held back in one run." example:"syncd approve-deletions 42"`
	Grant    grantCmd     `cmd:"" organizations:"each" help:"Let a role of Postgres read the mirror, all of it or without personal data, or take that back." example:"syncd grant bi --without-personal-data"`
	Erase    eraseCmd     `cmd:"" organizations:"one" help:"Clear the personal data of a customer everywhere in the mirror, and keep them out, or list who is erased." example:"syncd erase ada@example.com --dry-run"`
	Migrate  migrateCmd   `cmd:"" help:"Create or upgrade the tables, or show what that would do." example:"syncd migrate up"`
	Org      orgCmd       `cmd:"" help:"Add, list and remove organizations of the configuration." example:"syncd org add acme --polar-access-token-file /run/secrets/acme"`
	Config   configCmd    `cmd:"" help:"Show the configuration." example:"syncd config print"`
	Simulate simulateCmd  `cmd:"" help:"Serve a simulated Polar, to try out anything built on Polar." example:"syncd simulate --addr 127.0.0.1:8080 --customers 1000 --fault '502:path=/v1/orders/,times=1'"`
	Version  versionCmd   `cmd:"" help:"Show the version, the commit and its date." example:"syncd version"`
	Help     helpCmd      `cmd:"" help:"Show the help of a command." example:"syncd help sync"`

	Completion completionCmd `cmd:"" help:"Print the completion of commands, flags and streams for a shell." example:"syncd completion bash > /etc/bash_completion.d/syncd"`
	Manual     manualCmd     `cmd:"" hidden:"" help:"Print the page of man." example:"syncd manual | man -l -"`
	Complete   completeCmd   `cmd:"" hidden:"" name:"__complete" help:"List what may come next." example:"syncd __complete -- sync ord"`

	ShowVersion kong.VersionFlag `name:"version" short:"v" help:"Show the version."`
	Global      logFlags         `embed:""`
}

// command is what the commands share: signals, configuration, output.
type command struct {
	ctx            context.Context // ends when work must stop at once
	stop           <-chan struct{} // closed when work should end
	sources        config.Sources  // of the configuration
	shown          []config.Value  // the configuration as it may be shown
	organization   string          // that the command works for now; "" = there is one, without a name
	stdout, stderr io.Writer
	logs           *terminal.SwapWriter // where log lines go: stderr, or above the progress bars
	waiting        *terminal.Waiting    // says what the command waits for
	json           bool                 // log lines are JSON, so the last error must be, too
	quiet          bool                 // only errors are said
	after          func(time.Duration) <-chan time.Time
	level          slog.LevelVar
	timeUp         <-chan time.Time // when the time that the command was given is over
	timeIsUp       atomic.Bool
	reload         <-chan struct{} // holds a signal when the configuration should be read again
}

// run is the whole program, and returns its exit code. The first signal asks the work to finish its current pages; the second
// ends it at once. SIGHUP asks the daemon to read its configuration again; other commands ignore it.
func run(ctx context.Context, signals <-chan os.Signal, args []string, environ map[string]string, stdout, stderr io.Writer) int {
	return runBy(ctx, time.After, signals, args, environ, stdout, stderr)
}

// runBy is run with another clock.
func runBy(ctx context.Context, after func(time.Duration) <-chan time.Time, signals <-chan os.Signal, args []string, environ map[string]string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(ctx)
	stop, reload := make(chan struct{}), make(chan struct{}, 1)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watchSignals(ctx, signals, stop, reload, cancel)
	}()
	defer func() { cancel(nil); <-watched }()

	c := &command{ctx: ctx, stop: stop, sources: config.NewSources(daemon.Domain(), environ), reload: reload, stdout: stdout, stderr: stderr, logs: terminal.NewSwapWriter(stderr), after: after}
	c.waiting = terminal.NewWaiting(c.sayWaiting)
	defer c.waiting.Close()
	exited, helped := false, exitComplete
	switch {
	case len(args) == 0: // what there is, to somebody who has asked for nothing
		args, c.stdout, helped = []string{"--help"}, stderr, exitUsage
	case args[0] == "help":
		args = append(slices.Clone(args[1:]), "--help")
	}
	parser, settings, err := c.parser(func(int) { exited = true })
	if err != nil {
		return c.exit(fmt.Errorf("command line: %w", err))
	}
	parsed, err := parser.Parse(args)
	if exited { // help was requested, and shown
		return helped
	}
	if err != nil {
		return c.exit(usageError(fmt.Errorf("%w (see `%s --help`)", err, commandOf(err))))
	}
	c.sources.Flags = settingsOf(parsed, settings)
	return c.runFor(parsed)
}

// parser makes the parser of the command line, and lists the settings that have flags. It calls exit after showing help.
func (c *command) parser(exit func(int)) (*kong.Kong, []config.Description, error) {
	settings := c.sources.Domain.DescribeSettings()
	parser, err := kong.New(&cli{},
		kong.Name("syncd"),
		kong.Description("syncd mirrors the billing data of a Polar organization into Postgres."),
		kong.Writers(c.stdout, c.stderr),
		kong.Vars{"windowed": strings.Join(windowedStreams(), ", "), "version": versionLine()},
		describeFlags(settings),
		kong.Exit(exit),
		kong.Help(helpWithExample),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Bind(c))
	return parser, settings, err
}

// watchSignals closes stop at the first signal and cancels at the second. SIGHUP goes to reload and counts as neither.
func watchSignals(ctx context.Context, signals <-chan os.Signal, stop, reload chan<- struct{}, cancel context.CancelCauseFunc) {
	for stopping := false; ; {
		select {
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				select {
				case reload <- struct{}{}:
				// The configuration is about to be read already.
				default:
				}
			case !stopping:
				stopping = true
				close(stop)
			default:
				cancel(fmt.Errorf("%w: stopped by a second one (%s)", daemon.ErrInterrupted, s))
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error // nil: everything has been said already
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageError is an error of the call or of the configuration.
func usageError(err error) error { return &exitError{exitUsage, err} }

// errPartial ends the program with exit code 3; the summary has said what is missing.
var errPartial = &exitError{exitPartial, nil}

// exit prints an error and returns the exit code for it.
func (c *command) exit(err error) int {
	if err == nil {
		return exitComplete
	}
	code := exitFailed
	if errors.Is(err, daemon.ErrInterrupted) || c.interrupted() && errors.Is(err, context.Canceled) {
		err = &exitError{exitInterrupted, errors.New("interrupted: what was stored is kept")}
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		if code = e.code; e.err == nil {
			return code
		}
	} else if isUsageError(err) {
		code = exitUsage
	}
	if c.json {
		c.named(terminal.NewLog(c.stderr, true, slog.LevelInfo)).Error("syncd failed", "error", err.Error(), "exit_code", code)
		return code
	}
	of := ""
	if c.organization != "" {
		of = c.organization + ": "
	}
	if _, e := fmt.Fprintf(c.stderr, "syncd: %s%v\n", of, err); e != nil {
		return exitFailed
	}
	return code
}

// interrupted: a signal has asked the work to end.
func (c *command) interrupted() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// isUsageError: another call or another configuration would not have this error.
func isUsageError(err error) bool {
	_, configured := errors.AsType[config.Problems](err)
	_, stream := errors.AsType[*mirror.UnknownStreamError](err)
	return configured || stream
}

// commandOf names the command whose help explains an error of the command line.
func commandOf(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil && parse.Context.Selected() != nil {
		return "syncd " + parse.Context.Selected().Path()
	}
	return "syncd"
}

// config reads the configuration for a command that needs the secrets of some groups.
func (c *command) config(needed ...string) (*config.Config, *slog.Logger, error) {
	cfg, shown, err := c.sources.Load(needed...)
	if err != nil {
		return nil, nil, err
	}
	c.shown = shown
	c.json = cfg.LogFormat == "json"
	return cfg, c.logger(cfg), nil
}

// logger makes the configured log.
func (c *command) logger(cfg *config.Config) *slog.Logger {
	c.level.Set(cfg.LogLevel)
	return c.named(terminal.NewLog(c.logs, cfg.LogFormat == "json", &c.level))
}

// helpWithExample ends the help of a command with an example.
func helpWithExample(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	example := "syncd demo"
	if node := ctx.Selected(); node != nil {
		example = node.Tag.Get("example")
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", example)
	return err
}
