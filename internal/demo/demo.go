package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/humanize"
	"syncd/internal/localpg"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/store"
	"syncd/internal/terminal"
)

// Options say what is demonstrated.
type Options struct {
	Customers, Orders int    // of the simulated organization; orders 0: their number follows from the customers
	Seed              uint64 // another seed gives another organization
	Keep              bool   // leave everything running until the context ends, and show what to try
	Details           bool   // print the result of each stream, the comparison of each table, and the SQL of the answers
	Postgres          string // URL of a server to use instead of a private one

	Program string         // this program, to be started once more
	Config  *config.Config // its addresses and secrets are replaced by those of the demonstration
	Out     io.Writer
	Bars    *terminal.Progress
	Log     *slog.Logger // of the servers
	RunLog  *slog.Logger // of the runs, whose bars may show what it would say
}

// demo is a running demonstration: what it has made so far.
type demo struct {
	Options
	cfg    *config.Config
	log    *slog.Logger
	pg     *localpg.Server
	dsn    string
	world  *polarsim.World
	sim    *polarsim.Listener
	store  *store.Store
	daemon *child // nil until it is started

	details strings.Builder // what is printed after the story
}

// demoDatabase is a name for the database of one demo: several demos may use one server.
func demoDatabase() string { return "syncd_demo_" + strings.ToLower(rand.Text()[:10]) }

// Run shows syncd at work: it starts a Postgres and a simulated Polar, and lets happen between them what happens in practice. It
// returns whether the mirror holds all that Polar holds.
func Run(ctx context.Context, o Options) (whole bool, err error) {
	d := &demo{Options: o, cfg: o.Config, log: o.Log}
	defer func() { err = errors.Join(err, d.close()) }()
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) (whole bool, err error) {
	began := time.Now()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"start Postgres", d.startPostgres}, {"simulate Polar", d.startPolar}, {"migrate", d.migrate}} {
		if err := step.do(ctx); err != nil {
			return false, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	n := d.world.Counts()
	d.print("A simulated Polar with %s customers and %s orders, and a Postgres of its own.\n", humanize.Count(n["customers"]), humanize.Count(n["orders"]))
	results, err := d.firstCopy(ctx)
	if err != nil {
		return false, err
	}
	differences, err := d.compare(ctx, results)
	if err != nil {
		return false, err
	}
	for _, act := range []func(context.Context) error{d.aChange, d.damage} {
		if err := act(ctx); err != nil {
			return false, err
		}
	}
	d.tell(4, "Answers, each by one SELECT; --details shows it.")
	if err := d.answer(ctx); err != nil {
		return false, err
	}
	d.print("\n%s\nIt took %s.\n", d.conclusion(results, differences), humanize.Elapsed(time.Since(began)))
	if d.Details {
		d.print("\nDetails\n\n%s", d.details.String())
	}
	if d.Keep {
		if err := d.keep(ctx); err != nil {
			return false, err
		}
	}
	return len(differences) == 0 && allWhole(results), nil
}

func (d *demo) startPostgres(ctx context.Context) (err error) {
	d.pg, err = localpg.Start(ctx, localpg.Options{DSN: d.Postgres, TCP: d.Keep, Log: d.log})
	if err != nil {
		return err
	}
	d.dsn, err = d.pg.CreateDatabase(ctx, demoDatabase(), "")
	return err
}

func (d *demo) startPolar(ctx context.Context) (err error) {
	// The questions are about the last months, so the organization's present is now.
	d.world = polarsim.NewWorld(polarsim.Options{Seed: d.Seed, Customers: d.Customers, Orders: d.Orders, Now: time.Now().UTC().Truncate(time.Hour)})
	d.sim, err = polarsim.Listen(ctx, "127.0.0.1:0", polarsim.NewServer(d.world, polarsim.ServerOptions{}), d.log)
	return err
}

func (d *demo) migrate(ctx context.Context) (err error) {
	d.cfg.DatabaseURL, d.cfg.Server, d.cfg.AccessToken = config.Secret(d.dsn), d.sim.URL, polarsim.AnyToken
	d.cfg.OrganizationID = ""
	if d.store, err = daemon.OpenStore(ctx, d.cfg, d.log); err != nil {
		return err
	}
	_, err = d.store.Migrate(ctx)
	return err
}

// sync reads every stream once.
func (d *demo) sync(ctx context.Context) (results []mirror.Result, err error) {
	defer d.Bars.Close()
	err = d.with(d.Bars, func(m *catalog.Mirror) (err error) {
		d.Bars.CountRequests(m.Client.Requests)
		d.Bars.Expect(len(d.cfg.StreamsOn()))
		results, err = m.Sync(ctx)
		return err
	})
	return results, err
}

// allWhole tells whether every stream is complete.
func allWhole(results []mirror.Result) bool {
	return !slices.ContainsFunc(results, func(r mirror.Result) bool { return !r.IsWhole() })
}

// compare counts the rows of each table and of the simulated Polar, and names the tables that differ.
func (d *demo) compare(ctx context.Context, results []mirror.Result) (differ []string, err error) {
	t := terminal.Table{Head: []string{"TABLE", "ROWS", "POLAR HOLDS", ""}, Align: "lrr"}
	holds := d.world.Counts()
	streams := map[string]bool{}
	for _, r := range results {
		streams[r.Stream] = true
	}
	for _, name := range slices.Sorted(maps.Keys(holds)) {
		var rows int64
		switch {
		case streams[name]:
			rows, err = d.store.Rows(name).CountLive(ctx)
		case slices.Contains(d.cfg.StreamNames(), name): // off
			continue
		default: // the children of a stream
			err = d.store.Pool().QueryRow(ctx, "SELECT count(*) FROM "+name+" WHERE _removed_at IS NULL").Scan(&rows)
		}
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		mark := "equal"
		if rows != int64(holds[name]) {
			mark, differ = "DIFFERENT", append(differ, name)
		}
		t.Add(name, humanize.Count(rows), humanize.Count(holds[name]), mark)
	}
	if len(differ) == 0 {
		d.print("   Polar has as many: %d tables are equal.\n", len(holds))
	}
	if err := terminal.PrintResults(&d.details, results); err != nil {
		return nil, err
	}
	d.details.WriteString("\n" + t.Text())
	return differ, nil
}

func (d *demo) conclusion(results []mirror.Result, differences []string) string {
	if len(differences) > 0 {
		return "The mirror differs from Polar in " + strings.Join(differences, ", ") + "."
	}
	if !allWhole(results) {
		return "Not every stream is complete."
	}
	return "Every stream is complete, and the mirror holds what Polar holds."
}

// keep says what to try, and waits until Ctrl-C.
func (d *demo) keep(ctx context.Context) error {
	var address string
	select {
	case address = <-d.daemon.listen:
	default: // it does not say so
	}
	d.print(`
Everything runs until Ctrl-C. The daemon shows how it stands: http://%s/

  curl -X POST '%s/sim/churn?n=10'    # ten changes at Polar

  export SYNCD_DATABASE_URL='%s'
  export POLAR_SERVER=%s POLAR_ACCESS_TOKEN=%s
  %s status
  psql "$SYNCD_DATABASE_URL" -c 'SET search_path TO %s' -c 'SELECT * FROM freshness'
`, address, d.sim.URL, d.dsn, d.sim.URL, polarsim.AnyToken, d.Program, d.cfg.Schema)
	select {
	case <-ctx.Done():
		return nil
	case <-d.daemon.over():
		return errors.Join(errors.New("the daemon has ended"), d.daemon.err)
	case <-d.sim.Ended:
		return errors.New("the simulated Polar has stopped")
	}
}

func (d *demo) close() error {
	errs := []error{d.daemon.stop()}
	if d.store != nil {
		d.store.Close()
	}
	if d.sim != nil {
		errs = append(errs, d.sim.Close())
	}
	if d.pg != nil {
		errs = append(errs, d.pg.Close())
	}
	return errors.Join(errs...)
}

// width is what a line of the story has at most, as on a terminal of 80 columns.
const width = 77

// tell prints a part of the story.
func (d *demo) tell(n int, format string, args ...any) {
	d.print("\n%d. %s\n", n, indent(humanize.Wrap(strings.Fields(fmt.Sprintf(format, args...)), width))[3:])
}

// print writes to standard output. It fails when the reader has gone away.
func (d *demo) print(format string, args ...any) {
	if _, err := fmt.Fprintf(d.Out, format, args...); err != nil {
		d.log.Debug("standard output is closed", "error", err)
	}
}
