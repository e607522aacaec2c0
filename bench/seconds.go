package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/process"
)

// seconds measures the daemon as it is by default, against an organization without a webhook endpoint: how soon a change at Polar
// is in its row, and when a client that listens to Postgres has heard of it. Something changes each second, and then nothing.
func (b *bench) seconds(ctx context.Context, p plan) error {
	if p.seconds == 0 {
		return nil
	}
	return b.watched(ctx, func(w *watched) error {
		busy, err := w.changing(ctx, p.seconds)
		if err != nil {
			return err
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
		idle, fresh, err := w.minutes(ctx, 3*time.Minute)
		if err != nil {
			return err
		}
		b.table.Add("change to row: median", "s", figures.AtMost(3), figures.Quantile(busy.rows, 0.5))
		b.table.Add("change to row: p99", "s", figures.AtMost(8), figures.Quantile(busy.rows, 0.99))
		b.table.Add("change to row to LISTEN client: median", "s", nil, figures.Quantile(busy.told, 0.5))
		b.table.Add("change to row to LISTEN client: p99", "s", nil, figures.Quantile(busy.told, 0.99))
		b.table.Add("requests while something changes each second", "a minute", figures.AtMost(60), busy.requests)
		b.table.Add("requests while nothing changes", "a minute", figures.AtMost(15), idle...)
		b.table.Add("requests while nothing changes, of the fresh_share", "a minute", figures.AtMost(25), fresh...)
		return nil
	})
}

// soak is the same for long: nothing may be lost, the budget is kept, memory stays.
func (b *bench) soak(ctx context.Context, p plan) error {
	if p.soak == 0 {
		return nil
	}
	return b.watched(ctx, func(w *watched) error {
		var first, last float64
		var rows []float64
		for part := range 4 {
			made, err := w.changing(ctx, p.soak/4)
			if err != nil {
				return err
			}
			if last = process.Resident(w.PID); part == 0 {
				first = last
			}
			rows = append(rows, made.rows...)
			b.table.Add(fmt.Sprintf("soak, quarter %d: requests", part+1), "a minute", figures.AtMost(60), made.requests)
		}
		slices.Sort(rows)
		b.table.Add("soak: changes that came to their rows", "changes", figures.AtLeast(float64(w.made)), float64(len(rows)))
		b.table.Add("soak: change to row, median", "s", figures.AtMost(3), figures.Quantile(rows, 0.5))
		b.table.Add("soak: change to row, p99", "s", figures.AtMost(8), figures.Quantile(rows, 0.99))
		b.table.Add("soak: change to row, longest", "s", nil, rows[len(rows)-1])
		b.table.Add("soak: memory at the end / after a quarter", "ratio", figures.AtMost(1.2), last/first)
		return nil
	})
}

// watched is a daemon at work, and what is changed at Polar meanwhile.
type watched struct {
	*daemon
	objects map[string][]object
	times   map[object]int // how often each was changed
	made    int

	mu      sync.Mutex
	pending map[object]change
	untold  map[object]change
	rows    []float64
	told    []float64
}

// object is one that can be changed, in the stream that shows it.
type object struct{ stream, id string }

// change is one: when it was made, and what its row then shows.
type change struct {
	at   time.Time
	want string
}

// make changes an object for the n-th time.
func (o object) make(ctx context.Context, polar *polar, n int) (want string, err error) {
	switch o.stream {
	case "customers":
		want = fmt.Sprintf("Renamed %d", n)
		return want, polar.control(ctx, http.MethodPatch, "/v1/customers/"+o.id, `{"name":"`+want+`"}`, nil)
	case "subscriptions":
		want = strconv.FormatBool(n%2 == 1)
		return want, polar.control(ctx, http.MethodPatch, "/v1/subscriptions/"+o.id, `{"cancel_at_period_end":`+want+`}`, nil)
	}
	return strconv.Itoa(n), polar.control(ctx, http.MethodPost, "/v1/refunds/", `{"order_id":"`+o.id+`","reason":"customer_request","amount":1}`, nil)
}

// watched runs the daemon while something is done.
func (b *bench) watched(ctx context.Context, do func(*watched) error) error {
	w := &watched{pending: map[object]change{}, untold: map[object]change{}, times: map[object]int{}}
	prepare := func(polar *polar, dsn string) (err error) {
		w.objects, err = objects(ctx, dsn)
		pause(ctx, time.Minute) // the sync has used up Polar's limit, and who asks too soon is to wait for a minute
		return err
	}
	return b.withDaemon(ctx, daemonPlan{before: func(p *polar) error { return p.removeEndpoints(ctx) }, prepare: prepare}, func(d *daemon) error {
		w.daemon = d
		listening, stop := context.WithCancel(ctx)
		var both sync.WaitGroup
		var looked, heard error
		both.Go(func() { looked = w.look(listening) })
		both.Go(func() { heard = w.listen(listening) })
		_, _, err := w.minutes(ctx, time.Minute) // the round of tails at the start
		if err == nil {
			err = do(w)
		}
		stop()
		both.Wait()
		return errors.Join(err, looked, heard)
	})
}

// removeEndpoints leaves the organization without webhooks.
func (p *polar) removeEndpoints(ctx context.Context) error {
	var list struct {
		Items []struct{ ID string } `json:"items"`
	}
	err := p.control(ctx, http.MethodGet, "/v1/webhooks/endpoints?limit=100", "", &list)
	for _, e := range list.Items {
		err = errors.Join(err, p.control(ctx, http.MethodDelete, "/v1/webhooks/endpoints/"+e.ID, "", nil))
	}
	return err
}

// kinds are what is changed in turn: mostly subscriptions and orders, and each tenth time a customer.
var kinds = strings.Fields("subscriptions orders subscriptions orders subscriptions orders subscriptions orders subscriptions customers")

// objects are some of each kind.
func objects(ctx context.Context, dsn string) (by map[string][]object, err error) {
	by = map[string][]object{}
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		for stream, sql := range map[string]string{
			"customers":     "SELECT id::text FROM customers WHERE _deleted_at IS NULL AND deleted_at IS NULL ORDER BY md5(id::text) LIMIT 500",
			"subscriptions": "SELECT s.id::text FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE s.status = 'active' AND NOT s.cancel_at_period_end AND c.deleted_at IS NULL AND s.current_period_end > now() + interval '2 hours' ORDER BY md5(s.id::text) LIMIT 500",
			"orders":        "SELECT id::text FROM orders WHERE status = 'paid' AND refunded_amount = 0 AND net_amount > 500 ORDER BY md5(id::text) LIMIT 500",
		} {
			rows, err := conn.Query(ctx, sql)
			if err != nil {
				return err
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			for _, id := range ids {
				by[stream] = append(by[stream], object{stream, id})
			}
			if len(ids) == 0 {
				return fmt.Errorf("no %s that can be changed", stream)
			}
		}
		return nil
	})
	return by, err
}

// made is what came of changes.
type made struct {
	rows, told []float64 // seconds, sorted
	requests   float64   // a minute
}

// changing changes an object each second, and waits until all have come to their rows.
func (w *watched) changing(ctx context.Context, during time.Duration) (m made, err error) {
	before, err := w.requests(ctx)
	if err != nil {
		return m, err
	}
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for time.Since(began) < during {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return m, ctx.Err()
		}
		kind := kinds[w.made%len(kinds)]
		of := w.objects[kind]
		o := of[w.made%len(of)]
		w.mu.Lock() // nobody looks before it is known when it was made
		w.times[o]++
		want, err := o.make(ctx, w.polar, w.times[o])
		w.pending[o] = change{time.Now(), want}
		w.untold[o] = w.pending[o]
		w.mu.Unlock()
		if err != nil {
			return m, fmt.Errorf("change %s: %w", kind, err)
		}
		w.made++
	}
	after, err := w.requests(ctx)
	if err != nil {
		return m, err
	}
	m.requests = (after - before) / time.Since(began).Minutes()
	for waited := time.Now(); ; {
		w.mu.Lock()
		left := len(w.pending)
		if left == 0 {
			m.rows, m.told = slices.Sorted(slices.Values(w.rows)), slices.Sorted(slices.Values(w.told))
			w.rows, w.told = nil, nil
		}
		w.mu.Unlock()
		if left == 0 {
			return m, nil
		}
		if time.Since(waited) > 10*time.Minute {
			return m, fmt.Errorf("%d changes did not come to their rows in ten minutes", left)
		}
		if !pause(ctx, time.Second) {
			return m, ctx.Err()
		}
	}
}

// settle waits until nothing is left to be fetched once more.
func (w *watched) settle(ctx context.Context) error {
	for {
		left, err := scalar[int](ctx, w.dsn, "SELECT count(*) FROM sync_changes WHERE known_at IS NULL OR known_at < noted_at + interval '10 s'")
		if err != nil || left == 0 {
			return err
		}
		if !pause(ctx, 5*time.Second) {
			return ctx.Err()
		}
	}
}

// minutes lets time pass, and counts the requests of each minute; fresh are those beside, that rounds of tails may spare to read again what
// nothing tells of.
func (w *watched) minutes(ctx context.Context, d time.Duration) (each, fresh []float64, err error) {
	for ; d > 0; d -= time.Minute {
		before, spare, err := w.counted(ctx)
		if err != nil {
			return nil, nil, err
		}
		if !pause(ctx, time.Minute) {
			return nil, nil, ctx.Err()
		}
		after, spared, err := w.counted(ctx)
		if err != nil {
			return nil, nil, err
		}
		each, fresh = append(each, after-before-(spared-spare)), append(fresh, spared-spare)
	}
	return each, fresh, nil
}

func (w *watched) counted(ctx context.Context) (all, fresh float64, err error) {
	if all, err = w.requests(ctx); err != nil {
		return 0, 0, err
	}
	fresh, err = scalar[float64](ctx, w.dsn, "SELECT COALESCE(sum(GREATEST(requests - 10, 0)), 0)::float8 FROM sync_runs WHERE kind = 'tail'")
	return all, fresh, err
}

// requests are those of syncd: it only reads, and the changes are the others.
func (w *watched) requests(ctx context.Context) (n float64, err error) {
	var stats struct {
		By map[string]float64 `json:"requests_by_path"`
	}
	err = w.polar.control(ctx, http.MethodGet, "/sim/stats", "", &stats)
	for path := range maps.Keys(stats.By) {
		if strings.HasPrefix(path, http.MethodGet+" ") {
			n += stats.By[path]
		}
	}
	return n, err
}

// look sees rows change, by asking for all that are awaited.
func (w *watched) look(ctx context.Context) error {
	err := session(ctx, w.dsn, func(conn *pgx.Conn) error {
		for pause(ctx, 100*time.Millisecond) {
			var streams, ids, wants []string
			w.mu.Lock()
			for o, c := range w.pending {
				streams, ids, wants = append(streams, o.stream), append(ids, o.id), append(wants, c.want)
			}
			w.mu.Unlock()
			if len(ids) == 0 {
				continue
			}
			rows, err := conn.Query(ctx, `
				WITH awaited AS (SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[]) AS a(stream, id, want))
				SELECT stream, id::text FROM awaited a JOIN customers r USING (id) WHERE stream = 'customers' AND r.name = want
				UNION ALL SELECT stream, id::text FROM awaited a JOIN subscriptions r USING (id) WHERE stream = 'subscriptions' AND r.cancel_at_period_end::text = want
				UNION ALL SELECT stream, id::text FROM awaited a JOIN orders r USING (id) WHERE stream = 'orders' AND r.refunded_amount::text = want`, streams, ids, wants)
			if err != nil {
				return err
			}
			there, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (o object, err error) {
				err = r.Scan(&o.stream, &o.id)
				return o, err
			})
			if err != nil {
				return err
			}
			w.came(there, w.pending, &w.rows)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// listen hears of rows, as any client of Postgres may.
func (w *watched) listen(ctx context.Context) error {
	err := session(ctx, w.dsn, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "LISTEN polar"); err != nil {
			return err
		}
		for {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				return err
			}
			var told struct {
				Stream string   `json:"stream"`
				IDs    []string `json:"ids"`
			}
			if err := json.Unmarshal([]byte(n.Payload), &told); err != nil {
				return err
			}
			changed := make([]object, len(told.IDs))
			for i, id := range told.IDs {
				changed[i] = object{told.Stream, id}
			}
			w.came(changed, w.untold, &w.told)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// came records how long the awaited ones among these took.
func (w *watched) came(changed []object, awaited map[object]change, took *[]float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range changed {
		if c, is := awaited[o]; is {
			*took = append(*took, time.Since(c.at).Seconds())
			delete(awaited, o)
		}
	}
}
