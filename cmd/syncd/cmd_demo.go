package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
)

type demoCmd struct {
	Customers int    `default:"200" help:"Customers of the simulated organization."`
	Orders    int    `help:"Its orders; by default their number follows from the customers."`
	Seed      uint64 `default:"1" help:"Another seed gives another organization."`
	Keep      bool   `help:"Leave both servers running until Ctrl-C, and show how to reach them."`
	Postgres  string `placeholder:"URL" help:"Use this server instead of a private one; the demo makes a database on it and drops it at the end."`
}

// demo is a running demonstration: what it has made so far.
type demo struct {
	*demoCmd
	*command
	cfg   *config.Config
	log   *slog.Logger
	steps table
	pg    *localpg.Server
	dsn   string
	world *polarsim.World
	sim   *simulator
	store *store.Store
}

// demoDatabase is a name for the database of one demo: several demos may use one server.
func demoDatabase() string { return "syncd_demo_" + strings.ToLower(rand.Text()[:10]) }

func (cmd *demoCmd) Run(c *command) (err error) {
	cfg, log, err := c.config()
	if err == nil && (cmd.Customers < 1 || cmd.Orders < 0) {
		err = errors.New("--customers must be 1 or more, --orders cannot be negative")
	}
	if err != nil {
		return usageError(err)
	}
	ctx, release := c.interruptible()
	defer release()
	d := &demo{demoCmd: cmd, command: c, cfg: cfg, log: log, steps: table{head: []string{"STEP", "TIME", ""}, align: "lr"}}
	defer func() { err = errors.Join(daemon.InterruptionOr(ctx, err), d.close()) }()
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) error {
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
			return fmt.Errorf("%s: %w", step.name, err)
		}
		d.steps.add(step.name, humanize.Elapsed(time.Since(began)), note)
	}
	began := time.Now()
	differences, err := d.compare(ctx, results)
	if err != nil {
		return err
	}
	d.steps.add("compare with Polar", humanize.Elapsed(time.Since(began)), "")
	began = time.Now()
	if err := printAnswers(ctx, d.stdout, d.store.Pool()); err != nil {
		return err
	}
	d.steps.add("answer five questions", humanize.Elapsed(time.Since(began)), "")
	d.print("\n")
	if err := d.steps.print(d.stdout); err != nil {
		return err
	}
	d.print("\n%s\n", d.conclusion(results, differences))
	if d.Keep {
		if err := d.keep(ctx); err != nil {
			return err
		}
	}
	if len(differences) > 0 {
		return errPartial
	}
	return exitOf(results, nil)
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
	d.sim, err = startSimulator(ctx, "127.0.0.1:0", polarsim.NewServer(d.world, polarsim.ServerOptions{}), d.log)
	n := d.world.Counts()
	return fmt.Sprintf("%s customers, %s orders", humanize.Count(n["customers"]), humanize.Count(n["orders"])), err
}

func (d *demo) migrate(ctx context.Context) (note string, err error) {
	d.cfg.DatabaseURL, d.cfg.Server, d.cfg.AccessToken = config.Secret(d.dsn), d.sim.url, simToken
	d.cfg.OrganizationID = ""
	if d.store, err = daemon.OpenStore(ctx, d.cfg, d.log, false); err != nil {
		return "", err
	}
	applied, err := d.store.Migrate(ctx)
	return fmt.Sprintf("%d migrations", len(applied)), err
}

// sync runs every stream once, at full speed: the simulated Polar has no limit.
func (d *demo) sync(ctx context.Context) ([]mirror.Result, error) {
	bars := newProgress(d.command)
	defer bars.close()
	log := bars.logger(d.command, d.cfg, d.log)
	client, err := fetch.New(fetch.Config{Server: d.sim.url, Token: simToken, RequestsPerMinute: -1, Log: log})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	m, err := catalog.New(catalog.Config{Config: mirror.Config{Client: client, Store: d.store, Off: d.cfg.StreamsOff, Retention: d.cfg.Retention(), KeepHistory: d.cfg.KeepHistory(), Parallel: d.cfg.Parallel, Log: log, Observer: bars}})
	if err != nil {
		return nil, err
	}
	results, err := m.Sync(ctx)
	bars.close()
	if err == nil {
		err = printResults(d.stdout, results)
	}
	return results, err
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
	t := table{head: []string{"TABLE", "ROWS", "POLAR HOLDS", ""}, align: "lrr"}
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
		t.add(name, humanize.Count(rows), humanize.Count(holds[name]), mark)
	}
	d.print("\n")
	return differ, t.print(d.stdout)
}

func (d *demo) conclusion(results []mirror.Result, differences []string) string {
	if len(differences) > 0 {
		return "The mirror differs from Polar in " + strings.Join(differences, ", ") + "."
	}
	if exitOf(results, nil) != nil {
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
`, d.dsn, d.cfg.Schema, d.dsn, d.sim.url, simToken)
	select {
	case <-ctx.Done():
		return nil
	case <-d.sim.ended:
		return errors.New("the simulated Polar has stopped")
	}
}

func (d *demo) close() error {
	var errs []error
	if d.store != nil {
		d.store.Close()
	}
	if d.sim != nil {
		errs = append(errs, d.sim.close())
	}
	if d.pg != nil {
		errs = append(errs, d.pg.Close())
	}
	return errors.Join(errs...)
}

// print writes to standard output. It fails when the reader has gone away.
func (d *demo) print(format string, args ...any) {
	if _, err := fmt.Fprintf(d.stdout, format, args...); err != nil {
		d.log.Debug("standard output is closed", "error", err)
	}
}
