package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/polarsim"
)

type simulateCmd struct {
	Addr          string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one."`
	Seed          uint64        `default:"1" help:"The same seed and size give the same organization, byte for byte."`
	Customers     int           `default:"200" help:"Customers of the organization."`
	Orders        int           `help:"Orders; by default their number follows from the customers."`
	Token         string        `help:"The one access token that is accepted; by default any that begins with polar_oat_."`
	Scopes        []string      `help:"Scopes of the token, separated by commas; by default all."`
	PerMinute     int           `help:"Requests a minute before 429; 0 for no limit. Polar's production has 500, its sandbox 100."`
	FeedLag       time.Duration `placeholder:"DURATION" help:"How late events and webhook deliveries may show, each by a different time; by default at once."`
	Webhook       string        `placeholder:"URL" help:"Send webhooks there, as Polar does: signed, repeated when they fail, and to nobody any more after ten failures in a row."`
	WebhookSecret string        `default:"whsec_c2ltdWxhdGVkLXNpbXVsYXRlZC1zaW11bGF0ZWQt" placeholder:"SECRET" help:"Secret that webhooks are signed with; default ${default}."`
	Keep          int           `placeholder:"MB" help:"For benchmarks: keep up to this many megabytes of answers in memory, and repeat them until something is written."`
	Retire        []string      `placeholder:"VERSION" help:"A version of the API that it does not serve: 2026-04, 2026-10 or 2027-01; may be repeated."`
	Fault         []string      `sep:"none" placeholder:"KIND:KEY=VALUE,..." help:"A fault, such as 502:path=/v1/orders/,times=1; may be repeated."`
	Check         string        `placeholder:"SERVER" help:"Serve nothing: compare this server with the simulated Polar; production, sandbox or a URL."`
	Unseen        bool          `help:"With --check: also show what only the simulated Polar has."`
	JSON          bool          `name:"json" help:"With --check: as JSON."`
	checkFlags
}

// checkFlags are the settings that a check uses.
type checkFlags struct {
	PolarAccessTokenFile *string
	PolarVersion         *string
	RequestsPerMinute    *string
}

// Help is the long description of the command.
func (cmd *simulateCmd) Help() string {
	return `With --check the simulated Polar is compared with a server: the fields of each list with their types and values, the order, the
headers, and the answers to wrong pages, ids, versions and tokens. It reads three to four hundred answers with the token of
POLAR_ACCESS_TOKEN or --polar-access-token-file, within the budget, and writes nothing:

  POLAR_ACCESS_TOKEN=... syncd simulate --check sandbox

Exit code 0: there is no difference; 3: there are some.`
}

func (cmd *simulateCmd) Run(c *command) error {
	if cmd.Check != "" {
		return cmd.check(c)
	}
	_, log, err := c.config()
	problems := []error{err}
	if cmd.JSON || cmd.Unseen {
		problems = append(problems, errors.New("--json and --unseen are for --check"))
	}
	if cmd.Customers < 0 || cmd.Orders < 0 || cmd.PerMinute < 0 || cmd.Keep < 0 || cmd.FeedLag < 0 {
		problems = append(problems, errors.New("--customers, --orders, --per-minute, --feed-lag and --keep cannot be negative"))
	}
	if u, err := url.Parse(cmd.Webhook); cmd.Webhook != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		problems = append(problems, fmt.Errorf("--webhook %q: write a URL such as http://127.0.0.1:9466/", cmd.Webhook))
	}
	options := polarsim.ServerOptions{Token: cmd.Token, Scopes: cmd.Scopes, PerMinute: cmd.PerMinute, Log: log}
	for _, version := range cmd.Retire {
		if !slices.Contains(polarsim.Versions(), version) {
			problems = append(problems, fmt.Errorf("--retire %q: there are %s", version, strings.Join(polarsim.Versions(), ", ")))
		}
	}
	options.Retired = cmd.Retire
	for _, text := range cmd.Fault {
		f, err := polarsim.ParseFault(text)
		problems = append(problems, err)
		options.Faults = append(options.Faults, f)
	}
	if err := errors.Join(problems...); err != nil {
		return usageError(err)
	}
	ctx, release := c.interruptible()
	defer release()
	world := polarsim.NewWorld(polarsim.Options{Seed: cmd.Seed, Customers: cmd.Customers, Orders: cmd.Orders, FeedLag: cmd.FeedLag})
	defer cmd.sendWebhooks(ctx, world, log)()
	var handler http.Handler = polarsim.NewServer(world, options)
	if cmd.Keep > 0 {
		handler = polarsim.KeepAnswers(handler, cmd.Keep<<20)
	}
	sim, err := polarsim.Listen(ctx, cmd.Addr, handler, log)
	if err != nil {
		return err
	}
	token := cmd.Token
	if token == "" {
		token = polarsim.AnyToken
	}
	more := ""
	if cmd.Webhook != "" {
		more = "  export SYNCD_WEBHOOK_SECRET=" + cmd.WebhookSecret + "\n"
	}
	_, err = fmt.Fprintf(c.stdout, "Simulated Polar: organization %s with %s customers and %s orders.\n\n  export POLAR_SERVER=%s\n  export POLAR_ACCESS_TOKEN=%s\n%s\nEnd with Ctrl-C.\n",
		world.OrganizationID(), humanize.Count(world.Counts()["customers"]), humanize.Count(world.Counts()["orders"]), sim.URL, token, more)
	if err == nil {
		select {
		case <-ctx.Done():
		case <-sim.Ended:
		}
	}
	return errors.Join(err, sim.Close())
}

// sendWebhooks has webhooks sent until the returned function is called.
func (cmd *simulateCmd) sendWebhooks(ctx context.Context, world *polarsim.World, log *slog.Logger) (stop func()) {
	if cmd.Webhook == "" {
		return func() {}
	}
	world.SendTo(cmd.Webhook, cmd.WebhookSecret)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		world.Send(ctx, polarsim.Sending{Log: log})
	}()
	return func() { cancel(); <-done }
}
