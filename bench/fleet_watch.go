package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/polarsim"
)

// watchedFleet is a fleet at work, seen from outside.
type watchedFleet struct {
	*bench
	plan     fleetPlan
	dsn      string
	polar    *polar
	replicas *replicas

	connections, peak float64   // the most of each
	lags              []float64 // seconds, of each organization each time it was looked at
}

func (w *watchedFleet) label(what string) string {
	p := w.plan
	text := fmt.Sprintf("fleet, %d organizations of %d customers, tail every %s", p.organizations, p.customers, p.interval)
	if p.replicas > 1 {
		text += fmt.Sprintf(", %d processes", p.replicas)
	}
	if p.kill > 0 {
		text += fmt.Sprintf(", one killed each %s", p.kill)
	}
	return text + ": " + what
}

// ofEach makes one query of a query for each organization; SCHEMA stands for its schema.
func (w *watchedFleet) ofEach(query string) string {
	all := make([]string, w.plan.organizations)
	for n := range all {
		all[n] = "(" + strings.ReplaceAll(query, "SCHEMA", fmt.Sprintf("polar_%04d", n+1)) + ")"
	}
	return strings.Join(all, " UNION ALL ")
}

// ready waits until every organization has been swept, and followed once after that.
func (w *watchedFleet) ready(ctx context.Context) error {
	for end := time.Now().Add(firstSyncs); ; {
		made, err := scalar[int](ctx, w.dsn, `SELECT count(*) FROM pg_tables WHERE tablename = 'sync_runs' AND schemaname ~ '^polar_\d{4}_sync$'`)
		if err != nil {
			return err
		}
		done := 0
		if made == w.plan.organizations {
			done, err = scalar[int](ctx, w.dsn, "SELECT count(*) FROM ("+w.ofEach(`
				SELECT FROM (SELECT max(first) AS swept, count(*) AS n FROM (SELECT min(finished_at) AS first FROM SCHEMA_sync.sync_runs
					WHERE kind = 'sweep' AND outcome IN ('succeeded', 'partial') GROUP BY stream) f) s
				WHERE n >= `+strconv.Itoa(streamsAtStart)+` AND EXISTS (SELECT FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND started_at > swept)`)+") r")
			if err != nil {
				return err
			}
		}
		if done == w.plan.organizations {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %s %d of %d organizations have their tables, and %d their first sync and a round of tails", firstSyncs, made, w.plan.organizations, done)
		}
		if !pause(ctx, 2*time.Second) {
			return ctx.Err()
		}
	}
}

// streamsAtStart are swept by default: a stream whose sweeps are costly, or that is off, is not among them.
const streamsAtStart = 25

// measure lets the organizations change, and looks at processes and tables meanwhile.
func (w *watchedFleet) measure(ctx context.Context) error {
	requests, err := w.polar.requestsOfAll(ctx)
	if err != nil {
		return err
	}
	wal, err := scalar[float64](ctx, w.dsn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8")
	if err != nil {
		return err
	}
	from, err := scalar[time.Time](ctx, w.dsn, "SELECT clock_timestamp()")
	if err != nil {
		return err
	}
	began, killed, looked := time.Now(), time.Now(), time.Now()
	busy := w.busy()
	for pause(ctx, time.Second) && time.Since(began) < w.plan.during {
		if w.plan.churn > 0 {
			if err := w.polar.control(ctx, http.MethodPost, "/sim/churn?n="+strconv.Itoa(w.plan.churn), "", nil); err != nil {
				return err
			}
		}
		if time.Since(looked) > 5*time.Second {
			looked = time.Now()
			if err := w.look(ctx); err != nil {
				return err
			}
		}
		if w.plan.kill > 0 && time.Since(killed) > w.plan.kill {
			killed = time.Now()
			if err := w.replicas.replace(ctx); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	seconds := time.Since(began).Seconds()
	cores := (w.busy() - busy) / seconds
	after, err := w.polar.requestsOfAll(ctx)
	if err != nil {
		return err
	}
	written, err := scalar[float64](ctx, w.dsn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8")
	if err != nil {
		return err
	}
	return w.report(ctx, from, seconds, cores, after-requests, written-wal)
}

func (w *watchedFleet) report(ctx context.Context, from time.Time, seconds, cores, requests, wal float64) error {
	p, n := w.plan, float64(w.plan.organizations)
	rounds, err := scalar[float64](ctx, w.dsn, "SELECT count(*)::float8 FROM ("+w.ofEach("SELECT FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND finished_at > $1")+") r", from)
	if err != nil {
		return err
	}
	beside, err := scalar[float64](ctx, w.dsn, "SELECT count(*)::float8 FROM ("+w.ofEach(`SELECT FROM SCHEMA_sync.sync_runs a JOIN SCHEMA_sync.sync_runs b ON a.kind = 'tail' AND b.kind = 'tail'
		AND a.id < b.id AND a.outcome = 'succeeded' AND b.outcome = 'succeeded' AND tstzrange(a.started_at, a.finished_at) && tstzrange(b.started_at, b.finished_at)`)+") r")
	if err != nil {
		return err
	}
	most := p.interval + time.Minute
	if p.kill > 0 {
		most = p.interval + leaseOfFleet
	}
	slices.Sort(w.lags)
	w.table.add(w.label("rounds of tails"), "a second", nil, rounds/seconds)
	w.table.add(w.label("requests"), "a minute", nil, requests/seconds*60)
	if p.kill == 0 {
		w.table.add(w.label("processor"), "cores", atMost(1.2), cores)
		w.table.add(w.label("processor, a round"), "ms", nil, cores*seconds/max(1, rounds)*1000)
	}
	w.table.add(w.label("memory of a process, peak"), "MB", atMost(400), w.peak)
	w.table.add(w.label("connections"), "connections", atMost(float64(20*p.replicas)), w.connections)
	w.table.add(w.label("age of what is known, median"), "s", nil, quantile(w.lags, 0.5))
	w.table.add(w.label("age of what is known, most"), "s", atMost(most.Seconds()), w.lags[len(w.lags)-1])
	w.table.add(w.label("WAL"), "MB/day an organization", nil, wal/seconds*86400/n/1e6)
	w.table.add(w.label("rounds of one organization at the same time"), "rounds", atMost(0), beside)
	return nil
}

// busy is the processor time that the processes have taken, seconds. What a killed one took is lost.
func (w *watchedFleet) busy() (seconds float64) {
	w.replicas.each(func(pid int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest) // from the third on: utime and stime are the 14th and the 15th
		if len(fields) < 13 {
			return
		}
		for _, ticks := range fields[11:13] {
			n, err := strconv.ParseFloat(ticks, 64)
			if err == nil {
				seconds += n / 100 // clock ticks: sysconf(_SC_CLK_TCK) is 100 on Linux
			}
		}
	})
	return seconds
}

// look notes how late each organization is, the connections and the memory.
func (w *watchedFleet) look(ctx context.Context) error {
	w.replicas.each(func(pid int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return
		}
		_, after, _ := strings.Cut(string(text), "VmHWM:")
		if fields := strings.Fields(after); len(fields) > 0 {
			if kb, err := strconv.ParseFloat(fields[0], 64); err == nil {
				w.peak = max(w.peak, kb/1024)
			}
		}
	})
	return session(ctx, w.dsn, func(conn *pgx.Conn) error {
		var n float64
		if err := conn.QueryRow(ctx, "SELECT count(*)::float8 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'").Scan(&n); err != nil {
			return err
		}
		w.connections = max(w.connections, n)
		rows, err := conn.Query(ctx, w.ofEach("SELECT extract(epoch FROM clock_timestamp() - polled_at)::float8 FROM SCHEMA_sync.sync_streams WHERE stream = 'tail'"))
		if err != nil {
			return err
		}
		lags, err := pgx.CollectRows(rows, pgx.RowTo[float64])
		w.lags = append(w.lags, lags...)
		return err
	})
}

// compared are lists whose rows are compared with the simulator's.
var compared = []string{"customers", "orders", "subscriptions", "payments", "refunds"}

// compare waits until every organization has been followed twice since the last change, and compares its rows with those of the simulator.
func (w *watchedFleet) compare(ctx context.Context) error {
	last, err := scalar[time.Time](ctx, w.dsn, "SELECT clock_timestamp()")
	if err != nil {
		return err
	}
	for end := time.Now().Add(10*w.plan.interval + time.Minute); ; {
		settled, err := scalar[int](ctx, w.dsn, "SELECT count(*) FROM ("+w.ofEach("SELECT FROM SCHEMA_sync.sync_runs WHERE kind = 'tail' AND outcome = 'succeeded' AND started_at > $1 HAVING count(*) >= 2")+") r", last)
		if err != nil {
			return err
		}
		if settled == w.plan.organizations {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d organizations were followed twice after the last change", settled, w.plan.organizations)
		}
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	rows, wrong := 0.0, 0.0
	for n := 1; n <= w.plan.organizations; n++ {
		for _, stream := range compared {
			there, err := w.polar.rowsOf(ctx, n, stream)
			if err != nil {
				return err
			}
			here, err := scalar[map[string]string](ctx, w.dsn, fmt.Sprintf(`SELECT COALESCE(jsonb_object_agg(id, COALESCE(extract(epoch FROM modified_at)::text, '')), '{}') FROM polar_%04d.%s WHERE _deleted_at IS NULL`, n, stream))
			if err != nil {
				return err
			}
			rows += float64(len(there))
			for id, modified := range there {
				if is, stored := here[id]; !stored || is != modified {
					wrong++
				}
			}
			for id := range here {
				if _, is := there[id]; !is {
					wrong++
				}
			}
		}
	}
	w.table.add(w.label("rows compared"), "rows", nil, rows)
	w.table.add(w.label("rows that differ from Polar's"), "rows", atMost(0), wrong)
	return nil
}

// rowsOf are the rows of a list of organization n: when each was modified, as seconds, by its id. It is read with pages of other sizes until
// as many rows have come as are counted, since a border of pages may hide one of equal times.
func (p *polar) rowsOf(ctx context.Context, n int, list string) (map[string]string, error) {
	rows := map[string]string{}
	for limit := 100; limit > 50; limit-- {
		total := 0
		for page, last := 1, 1; page <= last; page++ {
			var answer struct {
				Items []struct {
					ID       string
					Modified *time.Time `json:"modified_at"`
				}
				Pagination struct {
					Total   int `json:"total_count"`
					MaxPage int `json:"max_page"`
				}
			}
			path := fmt.Sprintf("/v1/%s/?limit=%d&page=%d", list, limit, page)
			if err := p.controlAs(ctx, fmt.Sprintf("%s_%04d", polarsim.AnyToken, n), http.MethodGet, path, "", &answer); err != nil {
				return nil, err
			}
			for _, item := range answer.Items {
				rows[item.ID] = ""
				if item.Modified != nil {
					rows[item.ID] = fmt.Sprintf("%d.%06d", item.Modified.Unix(), item.Modified.Nanosecond()/1000)
				}
			}
			last, total = answer.Pagination.MaxPage, answer.Pagination.Total
		}
		if len(rows) == total {
			return rows, nil
		}
	}
	return nil, fmt.Errorf("organization %d: the %s never came together", n, list)
}
