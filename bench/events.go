package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/manyevents"
	"syncd/bench/process"
)

// stand is what had been spent at a moment.
type stand struct {
	syncd, postgres time.Duration
	resident        float64 // of syncd, MB
}

// events syncs very many events, with all other streams off, and measures for each tenth of them what a page costs. Then it asks for those
// of a customer.
func (b *bench) events(ctx context.Context, p plan) (err error) {
	polar, err := startPolar(ctx, "--orders", "100")
	if err != nil {
		return err
	}
	defer polar.stop()
	behind, err := url.Parse(polar.url)
	if err != nil {
		return err
	}
	_, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync", "organizations"); err != nil {
		return err
	}
	organization, err := scalar[string](ctx, dsn, "SELECT id::text FROM organizations")
	if err != nil {
		return err
	}
	server, err := scalar[int](ctx, b.pg.DSN(), `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`)
	if err != nil {
		return err
	}
	now, err := polar.now(ctx)
	if err != nil {
		return err
	}
	list := &manyevents.List{N: p.events, Begin: now.Add(-manyevents.Period), Organization: organization, Other: httputil.NewSingleHostReverseProxy(behind)}
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: list, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- web.Serve(listen) }()
	defer func() {
		if closed := errors.Join(web.Close(), <-done); !errors.Is(closed, http.ErrServerClosed) {
			err = errors.Join(err, closed)
		}
	}()
	var running *process.Process
	var stands []stand
	var failed error
	started := make(chan struct{})
	list.Passed = func() {
		<-started
		now, err := lookAt(running.PID, server)
		stands, failed = append(stands, now), errors.Join(failed, err)
	}
	var out strings.Builder
	running, err = process.Start(ctx, append(polar.environ(dsn), "POLAR_SERVER=http://"+listen.Addr().String(), "SYNCD_EVENTS_RETENTION=all"), &out, syncd, "sync", "events")
	if err != nil {
		return err
	}
	close(started)
	u, err := running.Wait()
	if err != nil {
		return fmt.Errorf("syncd sync events: %w\n%s", err, out.String())
	}
	if failed != nil {
		return failed
	}
	return errors.Join(b.tellEvents(p.events, u, stands), b.readEvents(ctx, dsn, p.events))
}

// tellEvents adds the figures. The last tenth is not told apart from what comes after it, so there are nine.
func (b *bench) tellEvents(n int, u usage, stands []stand) error {
	if len(stands) != 10 {
		return fmt.Errorf("%d tenths were seen, want 10", len(stands))
	}
	pages := float64(n) / 10 / 100
	var syncd, postgres []float64
	for i := range 9 {
		syncd = append(syncd, float64((stands[i+1].syncd-stands[i].syncd).Microseconds())/1000/pages)
		postgres = append(postgres, float64((stands[i+1].postgres-stands[i].postgres).Microseconds())/1000/pages)
	}
	for i := range syncd {
		fmt.Fprintf(os.Stderr, "        tenth %d: syncd %.2f ms a page, Postgres %.2f ms a page, %.0f MB\n", i+1, syncd[i], postgres[i], stands[i+1].resident)
	}
	// The first tenth warms up: it makes connections and plans.
	both := func(from, to int) (sum float64) {
		for i := from; i < to; i++ {
			sum += syncd[i] + postgres[i]
		}
		return sum / float64(to-from)
	}
	label := func(what string) string { return fmt.Sprintf("%s, %d events", what, n) }
	b.table.Add(label("first sync"), "events/s", nil, u.Rate(n))
	b.table.Add(label("processor time of syncd, by tenths"), "ms/page", nil, syncd...)
	b.table.Add(label("processor time of Postgres, by tenths"), "ms/page", nil, postgres...)
	b.table.Add(label("processor time of a page, last third / second third"), "ratio", figures.AtMost(1.15), both(6, 9)/both(3, 6))
	b.table.Add(label("peak memory"), "MB", figures.AtMost(100), u.Peak)
	b.table.Add(label("memory, ninth tenth / second tenth"), "ratio", figures.AtMost(1.2), stands[9].resident/stands[2].resident)
	return nil
}

// readEvents asks for the events of a customer since some days ago.
func (b *bench) readEvents(ctx context.Context, dsn string, n int) error {
	return session(ctx, dsn, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE events"); err != nil {
			return err
		}
		return b.timed(ctx, conn, fmt.Sprintf("events of a customer in the last 30 days, %d events", n),
			"SELECT count(*)::text FROM events WHERE customer_id = $1::text::uuid AND timestamp >= (SELECT max(timestamp) FROM events) - interval '30 days'",
			func() string { return manyevents.Customer(rand.IntN(manyevents.Customers)).String() })
	})
}

// lookAt reads what syncd and all processes of the server have spent.
func lookAt(syncd, server int) (s stand, err error) {
	var failed error
	s.syncd, _, err = process.Time(syncd)
	s.postgres, failed = process.TimeWithChildren(server)
	s.resident = process.Resident(syncd)
	return s, errors.Join(err, failed)
}

// now is the time of a simulated Polar.
func (p *polar) now(ctx context.Context) (at time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.url+"/v1/events/", http.NoBody)
	if err != nil {
		return at, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return at, err
	}
	if err := resp.Body.Close(); err != nil {
		return at, err
	}
	return http.ParseTime(resp.Header.Get("Date"))
}
