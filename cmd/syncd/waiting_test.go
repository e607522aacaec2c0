package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/status"
)

// A daemon that begins again at once after it was killed meets the leases of its dead self. It waits for their end, and
// streams that are read for each row of others wait for those.
func TestDaemonWaitsForTheLeasesOfItsDeadSelf(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	dsn := pgtest.Migrated(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `WITH dead AS (INSERT INTO polar_sync.sync_runs (stream, kind, holder) SELECT s, 'sweep', 'dead' FROM unnest('{orders,subscriptions,products,tail}'::text[]) AS s RETURNING id, stream)
		INSERT INTO polar_sync.sync_streams (stream, lease_run, lease_holder, lease_seconds, leased_until, sweep_id)
		SELECT stream, id, 'dead', 20, clock_timestamp() + interval '20 seconds', id FROM dead`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := startDaemonOn(t, dsn, polar, "--jitter", "0s", "--tail", "24h", "--streams=-metrics,-metrics_export")
	await(t, "a status that tells what is waited for", func() bool {
		code, body := d.get(t, "/status")
		if code != http.StatusOK { // it has not opened its database yet
			return false
		}
		var report status.Report
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			t.Fatal(err)
		}
		lease, parent := false, false
		for _, s := range report.Streams {
			lease = lease || s.Stream == "orders" && s.WaitsFor == "the lease of dead"
			parent = parent || s.Stream == "customer_seats" && strings.HasPrefix(s.WaitsFor, "a sweep of ")
		}
		return lease && parent
	})
	await(t, "every stream to be complete", func() bool {
		return d.row(t, `SELECT count(*)::text FROM polar_sync.sync_streams WHERE complete_at IS NOT NULL AND stream IN ('orders', 'subscriptions', 'products', 'customer_seats', 'customers')`) == "5"
	})
	await(t, "a round of tails", func() bool {
		return d.row(t, `SELECT count(*)::text FROM polar_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded'`) != "0"
	})
	if failed := d.row(t, `SELECT COALESCE(string_agg(stream || ' ' || outcome || ': ' || reason, '; '), '') FROM polar_sync.sync_runs WHERE outcome NOT IN ('succeeded', 'skipped', 'interrupted')`); failed != "" {
		t.Error(failed)
	}
	if _, body := d.get(t, "/status"); strings.Contains(body, "waits_for") {
		t.Errorf("something is waited for still: %s", body)
	}
	if code, _ := d.get(t, "/healthz"); code != http.StatusOK {
		t.Error(code)
	}
}

// A database that fails over while a daemon asks for the first time whose the token is does not end it.
func TestDaemonOutlivesAFailoverAtItsStart(t *testing.T) {
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	dsn := pgtest.Migrated(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `CREATE SEQUENCE polar.binds;
		CREATE FUNCTION polar.once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('polar.binds') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER once BEFORE INSERT ON polar_sync.sync_meta FOR EACH ROW EXECUTE FUNCTION polar.once()`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := startDaemonOn(t, dsn, polar, "--streams", "products", "--tail", "off")
	await(t, "a run", func() bool { return runs(t, d) > 0 })
	if n := d.row(t, "SELECT last_value::text FROM polar.binds"); n < "2" {
		t.Errorf("the database failed over %s times", n)
	}
}

// A page that a gateway gives in Polar's place does not end a daemon that starts, unless it stays.
func TestDaemonOutlivesAGatewayAtItsStart(t *testing.T) {
	t.Parallel()
	page, err := polarsim.ParseFault("html:path=/v1/organizations/")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it passes", func(t *testing.T) {
		t.Parallel()
		polar, sim := simulated(t, polarsim.ServerOptions{})
		sim.AddFault(page)
		d := startDaemon(t, polar)
		await(t, "the reason", func() bool { return strings.Contains(d.logged(), "Polar cannot be read from") })
		sim.ClearFaults()
		await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	})
	t.Run("it stays", func(t *testing.T) {
		t.Parallel()
		polar, sim := simulated(t, polarsim.ServerOptions{})
		sim.AddFault(page)
		d := startDaemon(t, polar, "--patience", "1s")
		if code := d.end(t); code != exitFailed || !strings.Contains(d.logged(), "check that POLAR_SERVER is the address") {
			t.Errorf("ended with %d, want %d and the reason", code, exitFailed)
		}
	})
}

// A daemon that starts before Postgres and Polar waits for both, says which is missing from its first second on, and makes no table
// before Polar has taken the token.
func TestDaemonWaitsForBoth(t *testing.T) {
	t.Parallel()
	sim := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 12}), polarsim.ServerOptions{Token: simulatedToken})
	database, polar := freePort(t), freePort(t)
	dsn := pgtest.Empty(t)
	d := startDaemonOn(t, through(t, dsn, database), "http://"+polar, "--streams", "products", "--tail", "off")
	d.dsn = dsn // which the test can reach
	if code, _ := d.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d", code)
	}
	await(t, "the reasons", func() bool {
		code, body := d.get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "database: not ready: database unreachable: "+database) && strings.Contains(body, "polar: not ready: ")
	})
	if code, body := d.get(t, "/status"); code != http.StatusServiceUnavailable || !strings.Contains(body, "syncd is starting: database unreachable") {
		t.Errorf("/status: %d %s", code, body)
	}
	if _, body := d.get(t, "/metrics"); !strings.Contains(body, "syncd_requests_total 0") {
		t.Errorf("/metrics: %.300s", body)
	}

	forward(t, database, dsn)
	await(t, "the database", func() bool {
		_, body := d.get(t, "/readyz")
		return strings.Contains(body, "database: ok") && strings.Contains(body, "schema: not ready") && strings.Contains(body, "polar: not ready: http://"+polar)
	})
	if n := d.row(t, "SELECT count(*)::text FROM pg_namespace WHERE nspname LIKE 'polar%'"); n != "0" {
		t.Errorf("%s schemas were made before Polar was asked", n)
	}

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", polar)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.Close)
	await(t, "a run", func() bool { return runs(t, d) > 0 })
	d.stop(t)
}

// A daemon that waits for Postgres ends well when it is asked to.
func TestDaemonStopsWhileItWaitsForPostgres(t *testing.T) {
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	d := startDaemonOn(t, through(t, pgtest.Empty(t), freePort(t)), polar)
	await(t, "the reason", func() bool { return strings.Contains(d.logged(), "the database is not there") })
	d.terminate(t)
	if code := d.end(t); code != exitComplete {
		t.Errorf("ended with %d", code)
	}
}

// freePort is an address on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// through is a connection string that leads to another address.
func through(t *testing.T, dsn, address string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "postgres", Host: address, User: url.UserPassword(config.User, config.Password), Path: config.Database, RawQuery: "sslmode=disable"}).String()
}

// forward listens on an address in place of a database, until the test ends.
func forward(t *testing.T, address, dsn string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, to := pgconn.NetworkAddress(config.Host, config.Port)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		g.Wait()
	})
	g.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), network, to)
			if err != nil {
				_ = in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			g.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			g.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
		}
	})
}
