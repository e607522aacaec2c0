package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// seconds measures the daemon as it is by default, against an organization without a webhook endpoint: how soon a change at Polar
// is in its row, and when a client that listens to Postgres has heard of it. Something changes each second, and then nothing.
func (b *bench) seconds(ctx context.Context, p plan) error {
	if p.seconds == 0 {
		return nil
	}
	return b.watched(ctx, p.seconds, func(w *watched) error {
		busy, err := w.changing(ctx, p.seconds)
		if err != nil {
			return err
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
		idle, err := w.minutes(ctx, 3*time.Minute)
		if err != nil {
			return err
		}
		b.table.add("change to row: median", "s", atMost(3), quantile(busy.rows, 0.5))
		b.table.add("change to row: p99", "s", atMost(8), quantile(busy.rows, 0.99))
		b.table.add("change to row to LISTEN client: median", "s", nil, quantile(busy.told, 0.5))
		b.table.add("change to row to LISTEN client: p99", "s", nil, quantile(busy.told, 0.99))
		b.table.add("requests while something changes each second", "a minute", atMost(60), busy.requests)
		b.table.add("requests while nothing changes", "a minute", atMost(15), idle...)
		return nil
	})
}

// soak is the same for long: nothing may be lost, the budget is kept, memory stays.
func (b *bench) soak(ctx context.Context, p plan) error {
	if p.soak == 0 {
		return nil
	}
	return b.watched(ctx, p.soak, func(w *watched) error {
		var first, last float64
		var rows []float64
		for part := range 4 {
			made, err := w.changing(ctx, p.soak/4)
			if err != nil {
				return err
			}
			if last = w.memory(); part == 0 {
				first = last
			}
			rows = append(rows, made.rows...)
			b.table.add(fmt.Sprintf("soak, quarter %d: requests", part+1), "a minute", atMost(60), made.requests)
		}
		slices.Sort(rows)
		b.table.add("soak: changes that came to their rows", "changes", atLeast(float64(w.made)), float64(len(rows)))
		b.table.add("soak: change to row, median", "s", atMost(3), quantile(rows, 0.5))
		b.table.add("soak: change to row, p99", "s", atMost(8), quantile(rows, 0.99))
		b.table.add("soak: change to row, longest", "s", nil, rows[len(rows)-1])
		b.table.add("soak: memory at the end / after a quarter", "ratio", atMost(1.2), last/first)
		return nil
	})
}

// watched is a daemon at work, and what is changed at Polar meanwhile.
type watched struct {
	polar   *polar
	dsn     string
	pid     int
	objects []object // still to be changed
	made    int

	mu      sync.Mutex
	pending map[string]time.Time // by stream and id: when it was changed
	rows    []float64
	told    []float64
	untold  map[string]time.Time
}

// object is one to be changed: the stream that shows it, and how.
type object struct{ stream, id, method, path, body string }

// watched runs the daemon while something is done.
func (b *bench) watched(ctx context.Context, during time.Duration, do func(*watched) error) error {
	polar, err := startPolar(ctx, "--orders", "10000", "--per-minute", "500")
	if err != nil {
		return err
	}
	defer polar.stop()
	if err := polar.removeEndpoints(ctx); err != nil {
		return err
	}
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync"); err != nil {
		return err
	}
	w := &watched{polar: polar, dsn: dsn, pending: map[string]time.Time{}, untold: map[string]time.Time{}}
	if w.objects, err = objects(ctx, dsn, int(during/time.Second)+1); err != nil {
		return err
	}
	daemon := exec.CommandContext(ctx, syncd, "run", "--schedule", "off", "--jitter", "0s", "--listen", "off", "--log-level", "warn")
	daemon.Env = append(os.Environ(), append(polar.environ(dsn), "SYNCD_REQUESTS_PER_MINUTE=250")...)
	daemon.Stderr = os.Stderr
	if err := daemon.Start(); err != nil {
		return err
	}
	w.pid = daemon.Process.Pid
	listening, stop := context.WithCancel(ctx)
	var both sync.WaitGroup
	var looked, heard error
	both.Go(func() { looked = w.look(listening) })
	both.Go(func() { heard = w.listen(listening) })
	_, err = w.minutes(ctx, time.Minute) // the round of tails at the start
	if err == nil {
		err = do(w)
	}
	stop()
	both.Wait()
	if err := errors.Join(err, looked, heard, daemon.Process.Signal(os.Interrupt), daemon.Wait()); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
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

// objects are up to n that can be changed.
func objects(ctx context.Context, dsn string, n int) (list []object, err error) {
	err = session(ctx, dsn, func(conn *pgx.Conn) error {
		by := map[string][]string{}
		for what, sql := range map[string]string{
			"customers":     "SELECT id::text FROM customers WHERE _deleted_at IS NULL AND deleted_at IS NULL ORDER BY md5(id::text) LIMIT $1",
			"subscriptions": "SELECT s.id::text FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE s.status = 'active' AND NOT s.cancel_at_period_end AND c.deleted_at IS NULL AND s.current_period_end > now() + interval '2 hours' ORDER BY md5(s.id::text) LIMIT $1",
			"orders":        "SELECT id::text FROM orders WHERE status = 'paid' AND refunded_amount = 0 AND net_amount > 100 ORDER BY md5(id::text) LIMIT $1",
		} {
			rows, err := conn.Query(ctx, sql, n)
			if err != nil {
				return err
			}
			if by[what], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
				return err
			}
			n = min(n, len(by[what]))
		}
		for i := range n {
			switch of := by[kinds[i%len(kinds)]]; kinds[i%len(kinds)] {
			case "customers":
				id := of[i/len(kinds)]
				list = append(list, object{"customers", id, http.MethodPatch, "/v1/customers/" + id, fmt.Sprintf(`{"name":"Renamed %d"}`, i)})
			case "subscriptions":
				id := of[i]
				list = append(list, object{"subscriptions", id, http.MethodPatch, "/v1/subscriptions/" + id, `{"cancel_at_period_end":true}`})
			default:
				id := of[i]
				list = append(list, object{"orders", id, http.MethodPost, "/v1/refunds/", `{"order_id":"` + id + `","reason":"customer_request","amount":50}`})
			}
		}
		return nil
	})
	return list, err
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
	for time.Since(began) < during && len(w.objects) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return m, ctx.Err()
		}
		o := w.objects[0]
		w.objects = w.objects[1:]
		key := o.stream + " " + o.id
		w.mu.Lock() // nobody looks before it is known when it was made
		err := w.polar.control(ctx, o.method, o.path, o.body, nil)
		w.pending[key], w.untold[key] = time.Now(), time.Now()
		w.mu.Unlock()
		if err != nil {
			return m, err
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

// minutes lets time pass, and counts the requests of each minute.
func (w *watched) minutes(ctx context.Context, d time.Duration) (each []float64, err error) {
	for ; d > 0; d -= time.Minute {
		before, err := w.requests(ctx)
		if err != nil {
			return nil, err
		}
		if !pause(ctx, time.Minute) {
			return nil, ctx.Err()
		}
		after, err := w.requests(ctx)
		if err != nil {
			return nil, err
		}
		each = append(each, after-before)
	}
	return each, nil
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
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
			w.mu.Lock()
			awaited := slices.Collect(maps.Keys(w.pending))
			w.mu.Unlock()
			if len(awaited) == 0 {
				continue
			}
			ids := make([]string, len(awaited))
			for i, key := range awaited {
				_, ids[i], _ = strings.Cut(key, " ")
			}
			rows, err := conn.Query(ctx, `
				SELECT 'customers ' || id FROM customers WHERE id = ANY($1::uuid[]) AND name LIKE 'Renamed %'
				UNION ALL SELECT 'subscriptions ' || id FROM subscriptions WHERE id = ANY($1::uuid[]) AND cancel_at_period_end
				UNION ALL SELECT 'orders ' || id FROM orders WHERE id = ANY($1::uuid[]) AND refunded_amount > 0`, ids)
			if err != nil {
				return err
			}
			there, err := pgx.CollectRows(rows, pgx.RowTo[string])
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
			var change struct {
				Stream string   `json:"stream"`
				IDs    []string `json:"ids"`
			}
			if err := json.Unmarshal([]byte(n.Payload), &change); err != nil {
				return err
			}
			keys := make([]string, len(change.IDs))
			for i, id := range change.IDs {
				keys[i] = change.Stream + " " + id
			}
			w.came(keys, w.untold, &w.told)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// came records how long the awaited ones among these took.
func (w *watched) came(keys []string, awaited map[string]time.Time, took *[]float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		if at, is := awaited[key]; is {
			*took = append(*took, time.Since(at).Seconds())
			delete(awaited, key)
		}
	}
}

// memory is the resident set of the daemon now, MB; 0 where the kernel does not tell.
func (w *watched) memory() (mb float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "VmRSS:"); is {
			_, _ = fmt.Sscan(rest, &mb)
		}
	}
	return mb / 1024
}
