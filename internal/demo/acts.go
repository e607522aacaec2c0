package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
)

// enough is how many pages of a list a sync has stored when it is killed: it has begun, and has more to read.
const enough = 3

// firstCopy begins a copy in another process, kills it with SIGKILL, and lets this process read the rest.
func (d *demo) firstCopy(ctx context.Context) (results []mirror.Result, err error) {
	began := time.Now()
	c, err := d.start(ctx, "sync", "--lease", "1s", "--requests-per-minute", "60000")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.await(ctx, c, enoughRead, enough), c.kill()); err != nil {
		return nil, err
	}
	killed := time.Since(began)
	var stream string
	var pages, rows int64
	err = d.store.Pool().QueryRow(ctx, `
		SELECT stream, sweep_pages, (SELECT sum(rows_inserted) FROM sync_runs)
		FROM sync_streams WHERE sweep_id IS NOT NULL AND stream NOT LIKE '%/%' ORDER BY sweep_pages DESC LIMIT 1`).Scan(&stream, &pages, &rows)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		stream, pages = "", 0
	case err != nil:
		return nil, err
	}
	// What the dead process had leased is free after a second.
	if err := d.await(ctx, nil, "SELECT NOT EXISTS (SELECT FROM sync_streams WHERE leased_until > clock_timestamp())"); err != nil {
		return nil, err
	}
	began = time.Now()
	if results, err = d.sync(ctx); err != nil {
		return nil, err
	}
	took := time.Since(began)
	all := 0
	for _, r := range results {
		all += r.Distinct
	}
	story := "The first copy was done before it could be killed (kill -9)."
	if stream != "" {
		story = fmt.Sprintf("The first copy is killed (kill -9) after %s, when it has stored %s rows and page %d of %s. A second process goes on at page %d.",
			humanize.Elapsed(killed), humanize.Count(rows), pages, stream, pages+1)
	}
	d.tell(1, "%s %s later %d streams are read, %s rows.", story, humanize.Elapsed(took), len(results), humanize.Count(all))
	return results, nil
}

// enoughRead asks whether a list has been stored as far as $1 pages, and not to its end.
const enoughRead = "SELECT EXISTS (SELECT FROM sync_streams WHERE sweep_id IS NOT NULL AND sweep_pages >= $1 AND stream IN ('orders', 'events', 'payments', 'balance_events', 'metrics'))"

// aChange has a customer cancel at Polar, and waits until the mirror shows it, which the daemon has to find out.
func (d *demo) aChange(ctx context.Context) (err error) {
	if d.daemon, err = d.start(ctx, "run", "--listen", "127.0.0.1:0", "--log-format", "json", "--requests-per-minute", "60000"); err != nil {
		return err
	}
	if err := d.await(ctx, d.daemon, "SELECT EXISTS (SELECT FROM sync_feeds WHERE polled_at IS NOT NULL)"); err != nil {
		return err
	}
	var id, customer, product string
	if err := d.store.Pool().QueryRow(ctx, `
		SELECT s.id::text, coalesce(c.name, c.email), p.name FROM subscriptions_live s JOIN customers_live c ON c.id = s.customer_id JOIN products_live p ON p.id = s.product_id
		WHERE s.status = 'active' AND NOT s.cancel_at_period_end AND c.deleted_at IS NULL
		ORDER BY c.name ~ '^[A-Z][a-z]+ [A-Z][a-z]+$' DESC NULLS LAST, s.amount DESC, s.id LIMIT 1`).Scan(&id, &customer, &product); errors.Is(err, pgx.ErrNoRows) {
		d.tell(2, "Nobody has a subscription that could be canceled.")
		return nil
	} else if err != nil {
		return fmt.Errorf("find a subscription to cancel: %w", err)
	}
	if err := d.write(ctx, http.MethodPatch, "/v1/subscriptions/"+id, `{"cancel_at_period_end": true}`); err != nil {
		return err
	}
	began := time.Now()
	if err := d.await(ctx, d.daemon, "SELECT cancel_at_period_end FROM subscriptions WHERE id = $1::uuid", id); err != nil {
		return err
	}
	d.tell(2, "%s cancels a subscription of %s at Polar. Postgres shows it %s later: the daemon asks Polar every %s what has changed.",
		customer, product, humanize.Elapsed(time.Since(began)), humanize.Interval(d.cfg.FeedEvery()))
	return nil
}

// damage spoils some orders in Postgres, and has an audit find and mend them.
func (d *demo) damage(ctx context.Context) error {
	var orders int
	var lost string
	if err := d.store.Pool().QueryRow(ctx, `
		WITH spoiled AS (SELECT id, total_amount FROM orders WHERE paid AND currency = 'usd' AND total_amount > 0 AND _deleted_at IS NULL ORDER BY total_amount DESC, id LIMIT 3),
		     done AS (UPDATE orders o SET total_amount = 0 FROM spoiled s WHERE o.id = s.id)
		SELECT count(*), coalesce(major_amount(sum(total_amount), 'usd'), 0)::text FROM spoiled`).Scan(&orders, &lost); err != nil {
		return fmt.Errorf("spoil orders: %w", err)
	}
	began := time.Now()
	var report audit.Report
	if err := d.with(nil, func(m *catalog.Mirror) (err error) {
		report, err = m.Audit(ctx, audit.Options{Streams: []string{"orders"}, States: -1})
		return err
	}); err != nil {
		return err
	}
	healed := map[string]bool{}
	for _, f := range report.Findings {
		if f.Healed {
			healed[f.Key] = true
		}
	}
	d.tell(3, "A script sets %d orders to 0 in Postgres: %s usd are gone. `syncd audit` compares with Polar's export, finds %d, and writes them anew, in %s.", orders, lost, len(healed), humanize.Elapsed(time.Since(began)))
	return nil
}

// with does something with a mirror at full speed: the simulated Polar has no limit.
func (d *demo) with(shown mirror.Observer, do func(*catalog.Mirror) error) error {
	client, err := fetch.New(fetch.Config{Server: d.sim.URL, Token: polarsim.AnyToken, RequestsPerMinute: -1, Log: d.RunLog})
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := catalog.New(catalog.Config{Config: mirror.Config{Client: client, Store: d.store, Off: d.cfg.StreamsOff, Retention: d.cfg.Retention(), KeepHistory: d.cfg.KeepHistory(), Parallel: d.cfg.Parallel, Log: d.RunLog, Observer: shown}})
	if err != nil {
		return err
	}
	return do(m)
}

// write sends a write to the simulated Polar, as its dashboard does; syncd itself never writes there.
func (d *demo) write(ctx context.Context, method, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, d.sim.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+polarsim.AnyToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s %s: %s %s", method, path, res.Status, humanize.Line(string(answer), 300)), err)
	}
	return nil
}

// look is how often await looks.
const look = 10 * time.Millisecond

// await waits until a question has the answer true. It fails when the process does that is to bring it about; nil = none does.
func (d *demo) await(ctx context.Context, c *child, question string, args ...any) error {
	again := time.NewTicker(look)
	defer again.Stop()
	for {
		var is bool
		if err := d.store.Pool().QueryRow(ctx, question, args...).Scan(&is); err != nil {
			return err
		}
		if is {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.over():
			if c.err == nil {
				return nil // it was done before the answer was true
			}
			return c.err
		case <-again.C:
		}
	}
}

// listening is what the log of a daemon says of its address; "" in other lines.
func listening(line []byte) string {
	var said struct{ Msg, Listen string }
	if json.Unmarshal(line, &said) != nil || said.Msg != "syncd starts" {
		return ""
	}
	return said.Listen
}
