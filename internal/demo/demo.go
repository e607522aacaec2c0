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
	"syncd/internal/fetch"
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
	Keep              bool   // leave both servers running until the context ends, and show how to reach them
	Postgres          string // URL of a server to use instead of a private one

	Config *config.Config // its addresses and secrets are replaced by those of the demonstration
	Out    io.Writer
	Bars   *terminal.Progress
	Log    *slog.Logger // of the servers
	RunLog *slog.Logger // of the runs, whose bars may show what it would say
}

// demo is a running demonstration: what it has made so far.
type demo struct {
	Options
	cfg   *config.Config
	log   *slog.Logger
	steps terminal.Table
	pg    *localpg.Server
	dsn   string
	world *polarsim.World
	sim   *polarsim.Listener
	store *store.Store
}

// demoDatabase is a name for the database of one demo: several demos may use one server.
func demoDatabase() string { return "syncd_demo_" + strings.ToLower(rand.Text()[:10]) }

// Run shows syncd at work: it starts a Postgres and a simulated Polar, and syncs from one to the other. It returns whether the
// mirror holds all that Polar holds.
func Run(ctx context.Context, o Options) (whole bool, err error) {
	d := &demo{Options: o, cfg: o.Config, log: o.Log, steps: terminal.Table{Head: []string{"STEP", "TIME", ""}, Align: "lr"}}
	defer func() { err = errors.Join(err, d.close()) }()
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) (whole bool, err error) {
	var results []mirror.Result
	var sync time.Duration
	for _, step := range []struct {
		name string
		do   func(context.Context) (note string, err error)
	}{
		{"start Postgres", d.startPostgres},
		{"simulate Polar", d.startPolar},
		{"migrate", d.migrate},
		{"sync every stream", func(ctx context.Context) (note string, err error) {
			began := time.Now()
			results, err = d.sync(ctx)
			sync = time.Since(began)
			return throughput(results, sync), err
		}},
	} {
		began := time.Now()
		note, err := step.do(ctx)
		if err != nil {
			return false, fmt.Errorf("%s: %w", step.name, err)
		}
		d.steps.Add(step.name, humanize.Elapsed(time.Since(began)), note)
	}
	began := time.Now()
	differences, err := d.compare(ctx, results)
	if err != nil {
		return false, err
	}
	d.steps.Add("compare with Polar", humanize.Elapsed(time.Since(began)), "")
	began = time.Now()
	if err := printAnswers(ctx, d.Out, d.store.Pool()); err != nil {
		return false, err
	}
	d.steps.Add("answer five questions", humanize.Elapsed(time.Since(began)), "")
	d.print("\n")
	if err := d.steps.Print(d.Out); err != nil {
		return false, err
	}
	d.print("\n%s\n", d.conclusion(results, differences))
	if d.Keep {
		if err := d.keep(ctx); err != nil {
			return false, err
		}
	}
	return len(differences) == 0 && allWhole(results), nil
}

func (d *demo) startPostgres(ctx context.Context) (note string, err error) {
	d.pg, err = localpg.Start(ctx, localpg.Options{DSN: d.Postgres, TCP: d.Keep, Log: d.log})
	if err != nil {
		return "", err
	}
	d.dsn, err = d.pg.CreateDatabase(ctx, demoDatabase(), "")
	return "", err
}

func (d *demo) startPolar(ctx context.Context) (note string, err error) {
	// The questions are about the last months, so the organization's present is now.
	d.world = polarsim.NewWorld(polarsim.Options{Seed: d.Seed, Customers: d.Customers, Orders: d.Orders, Now: time.Now().UTC().Truncate(time.Hour)})
	d.sim, err = polarsim.Listen(ctx, "127.0.0.1:0", polarsim.NewServer(d.world, polarsim.ServerOptions{}), d.log)
	n := d.world.Counts()
	return fmt.Sprintf("%s customers, %s orders", humanize.Count(n["customers"]), humanize.Count(n["orders"])), err
}

func (d *demo) migrate(ctx context.Context) (note string, err error) {
	d.cfg.DatabaseURL, d.cfg.Server, d.cfg.AccessToken = config.Secret(d.dsn), d.sim.URL, polarsim.AnyToken
	d.cfg.OrganizationID = ""
	if d.store, err = daemon.OpenStore(ctx, d.cfg, d.log); err != nil {
		return "", err
	}
	applied, err := d.store.Migrate(ctx)
	return fmt.Sprintf("%d migrations", len(applied)), err
}

// sync runs every stream once, at full speed: the simulated Polar has no limit.
func (d *demo) sync(ctx context.Context) ([]mirror.Result, error) {
	defer d.Bars.Close()
	client, err := fetch.New(fetch.Config{Server: d.sim.URL, Token: polarsim.AnyToken, RequestsPerMinute: -1, Log: d.RunLog})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	m, err := catalog.New(catalog.Config{Config: mirror.Config{Client: client, Store: d.store, Off: d.cfg.StreamsOff, Retention: d.cfg.Retention(), KeepHistory: d.cfg.KeepHistory(), Parallel: d.cfg.Parallel, Log: d.RunLog, Observer: d.Bars}})
	if err != nil {
		return nil, err
	}
	d.Bars.CountRequests(client.Requests)
	d.Bars.Expect(len(d.cfg.StreamsOn()))
	results, err := m.Sync(ctx)
	d.Bars.Close()
	if err == nil {
		err = terminal.PrintResults(d.Out, results)
	}
	return results, err
}

// allWhole tells whether every stream is complete.
func allWhole(results []mirror.Result) bool {
	return !slices.ContainsFunc(results, func(r mirror.Result) bool { return !r.IsWhole() })
}

func throughput(results []mirror.Result, elapsed time.Duration) string {
	rows := int64(0)
	for _, r := range results {
		rows += r.Inserted + r.Updated
	}
	return fmt.Sprintf("%s rows, %s rows/s", humanize.Count(rows), humanize.Count(int64(float64(rows)/max(elapsed.Seconds(), 1e-3))))
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
	d.print("\n")
	return differ, t.Print(d.Out)
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

// keep says how to reach both servers, and waits until Ctrl-C.
func (d *demo) keep(ctx context.Context) error {
	d.print(`
Both servers run until Ctrl-C.

  psql '%s' -c 'SET search_path TO %s' -c '\d'

  export SYNCD_DATABASE_URL='%s'
  export POLAR_SERVER=%s POLAR_ACCESS_TOKEN=%s
  syncd sync
  syncd status
`, d.dsn, d.cfg.Schema, d.dsn, d.sim.URL, polarsim.AnyToken)
	select {
	case <-ctx.Done():
		return nil
	case <-d.sim.Ended:
		return errors.New("the simulated Polar has stopped")
	}
}

func (d *demo) close() error {
	var errs []error
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

// print writes to standard output. It fails when the reader has gone away.
func (d *demo) print(format string, args ...any) {
	if _, err := fmt.Fprintf(d.Out, format, args...); err != nil {
		d.log.Debug("standard output is closed", "error", err)
	}
}
