// Package simulate serves a simulated Polar until it is told to stop: one organization, or many, and what happens to them beside
// requests.
package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"syncd/internal/humanize"
	"syncd/internal/polarsim"
)

// Options say what is simulated.
type Options struct {
	Addr          string // to listen on
	World         polarsim.Options
	Server        polarsim.ServerOptions
	Organizations int     // behind one server, with a token each
	PersonalToken bool    // the header Polar-Organization is honoured
	WriteConfig   string  // a directory for a file of settings for each organization; "" = none
	Churn         float64 // changes a second
	Webhook       string  // where webhooks go; "" = nowhere
	WebhookSecret string
	Keep          int // bytes of answers that are kept and repeated
}

// Validate tells all that is wrong, by the names of the flags.
func (o *Options) Validate() error {
	var problems []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	wrong(o.World.Customers < 0 || o.World.Orders < 0 || o.Server.PerMinute < 0 || o.Keep < 0 || o.World.FeedLag < 0 || o.Churn < 0,
		"--customers, --orders, --per-minute, --feed-lag, --keep and --churn cannot be negative")
	wrong(o.Organizations < 1 || o.Organizations > polarsim.MostOrganizations, "--organizations %d: want 1 to %d", o.Organizations, polarsim.MostOrganizations)
	u, err := url.Parse(o.Webhook)
	wrong(o.Webhook != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"), "--webhook %q: write a URL such as http://127.0.0.1:9466/", o.Webhook)
	wrong(o.several() && o.Webhook != "", "--webhook is for one organization: leave out --organizations, --personal-token and --write-config")
	wrong(o.several() && o.Keep > 0, "--keep is for one organization: leave out --organizations, --personal-token and --write-config")
	wrong(o.Churn > 0 && o.Keep > 0, "--keep repeats answers of before --churn: leave out one of the two")
	return errors.Join(problems...)
}

// several: tokens say whose they are, even if there is one organization only.
func (o *Options) several() bool {
	return o.Organizations > 1 || o.PersonalToken || o.WriteConfig != ""
}

// Serve simulates until ctx ends. It says on out how to ask.
func Serve(ctx context.Context, o Options, out io.Writer, log *slog.Logger) (err error) {
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	simulate := o.one
	if o.several() {
		simulate = o.many
	}
	handler, churn, tell := simulate(ctx, &beside, log)
	if o.Keep > 0 {
		handler = polarsim.KeepAnswers(handler, o.Keep)
	}
	sim, err := polarsim.Listen(ctx, o.Addr, handler, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	text, err := tell(sim.URL)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text+"\nEnd with Ctrl-C.\n"); err != nil {
		return err
	}
	if o.Churn > 0 {
		beside.Go(func() { polarsim.Change(ctx, o.Churn, func() { churn(1) }) })
	}
	select {
	case <-ctx.Done():
	case <-sim.Ended:
	}
	return nil
}

func (o *Options) one(ctx context.Context, beside *sync.WaitGroup, log *slog.Logger) (http.Handler, func(int), func(string) (string, error)) {
	world := polarsim.NewWorld(o.World)
	more := ""
	if o.Webhook != "" {
		more = "  export SYNCD_WEBHOOK_SECRET=" + o.WebhookSecret + "\n"
		world.SendTo(o.Webhook, o.WebhookSecret)
		beside.Go(func() { world.Send(ctx, polarsim.Sending{Log: log}) })
	}
	return polarsim.NewServer(world, o.Server), func(n int) { world.Churn(n) }, func(url string) (string, error) {
		return fmt.Sprintf("Simulated Polar: organization %s with %s customers and %s orders.\n\n  export POLAR_SERVER=%s\n  export POLAR_ACCESS_TOKEN=%s\n%s",
			world.OrganizationID(), humanize.Count(world.Counts()["customers"]), humanize.Count(world.Counts()["orders"]), url,
			cmp.Or(o.Server.Token, polarsim.AnyToken), more), nil
	}
}

func (o *Options) many(context.Context, *sync.WaitGroup, *slog.Logger) (http.Handler, func(int), func(string) (string, error)) {
	fleet := polarsim.NewFleet(polarsim.FleetOptions{Organizations: o.Organizations, World: o.World, Server: o.Server, Header: o.PersonalToken})
	return fleet, fleet.Churn, func(url string) (string, error) {
		var text strings.Builder
		fmt.Fprintf(&text, "Simulated Polar: %s of %s customers each.\n\n  export POLAR_SERVER=%s\n", humanize.Plural(o.Organizations, "organization", "organizations"), humanize.Count(o.World.Customers), url)
		fmt.Fprintf(&text, "  export POLAR_ACCESS_TOKEN=%s    # the first's; the last one's ends with %s\n", fleet.Token(1), fleet.Name(o.Organizations))
		if o.PersonalToken {
			fmt.Fprintf(&text, "  export POLAR_ACCESS_TOKEN=%s         # of all, by the header Polar-Organization: %s\n", polarsim.PersonalToken, fleet.ID(1))
		}
		if o.WriteConfig == "" {
			return text.String(), nil
		}
		fmt.Fprintf(&text, "\n%s holds a file of settings for each; a configuration names it as organizations_dir.\n", o.WriteConfig)
		return text.String(), fleet.WriteConfig(o.WriteConfig, url)
	}
}
