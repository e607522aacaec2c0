package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/polarsim/simulate"
)

type simulateCmd struct {
	Addr          string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one."`
	Seed          uint64        `default:"1" help:"The same seed and size give the same organization, byte for byte."`
	Customers     int           `default:"200" help:"Customers of each organization."`
	Orders        int           `help:"Orders; by default their number follows from the customers."`
	Organizations int           `default:"1" placeholder:"N" help:"Organizations behind this server, each with a token of its own, made when it is first asked for."`
	PersonalToken bool          `help:"The token polar_pat_simulated is accepted, too; it acts on the organization of the header Polar-Organization."`
	WriteConfig   string        `type:"path" placeholder:"DIR" help:"Write a file of settings for each organization there, as organizations_dir takes them."`
	Churn         float64       `placeholder:"N" help:"Changes a second, as customers and merchants make them; with several organizations, at random among those that were asked for."`
	Token         string        `help:"The one access token that is accepted, or what those of several organizations begin with; by default any that begins with polar_oat_."`
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
	return `With --organizations the token says whose data is asked for: polar_oat_simulated_0042 is that of the 42nd. With --write-config
the tokens are in files that syncd run takes:

  syncd simulate --organizations 100 --customers 50 --churn 1 --write-config organizations

With --check the simulated Polar is compared with a server: the fields of each list with their types and values, the order, the
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
	server := polarsim.ServerOptions{Token: cmd.Token, Scopes: cmd.Scopes, PerMinute: cmd.PerMinute, Retired: cmd.Retire, Log: log}
	for _, version := range cmd.Retire {
		if !slices.Contains(polarsim.Versions(), version) {
			problems = append(problems, fmt.Errorf("--retire %q: there are %s", version, strings.Join(polarsim.Versions(), ", ")))
		}
	}
	for _, text := range cmd.Fault {
		f, err := polarsim.ParseFault(text)
		problems = append(problems, err)
		server.Faults = append(server.Faults, f)
	}
	options := simulate.Options{
		Addr: cmd.Addr, World: polarsim.Options{Seed: cmd.Seed, Customers: cmd.Customers, Orders: cmd.Orders, FeedLag: cmd.FeedLag}, Server: server,
		Organizations: cmd.Organizations, PersonalToken: cmd.PersonalToken, WriteConfig: cmd.WriteConfig, Churn: cmd.Churn,
		Webhook: cmd.Webhook, WebhookSecret: cmd.WebhookSecret, Keep: cmd.Keep << 20,
	}
	if err := errors.Join(append(problems, options.Validate())...); err != nil {
		return usageError(err)
	}
	ctx, release := c.interruptible()
	defer release()
	return simulate.Serve(ctx, options, c.stdout, log)
}
