package catalog_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/worldtest"
)

// chaosStreams are all but metrics and events, of which every world has very many rows, and means of payment, which Polar no
// longer shows once their customer was deleted: that is no evidence against the rows.
func chaosStreams() (names []string) {
	for _, s := range catalog.Entries() {
		if !strings.HasPrefix(s.Name, "metrics") && s.Name != "events" && s.Name != "payment_methods" {
			names = append(names, s.Name)
		}
	}
	return names
}

// TestChaos makes random worlds that change while two runners read them, with faults, feeds that are late, a clock of the
// database that is set back and forward, poolers, bad defaults of the database, and runners that are stopped or robbed of their
// lease; in every second world a daemon, too, that is killed and started again at once. Now and then the world holds its breath:
// what a sync says is whole then has to equal the API. At the end peace returns, and the whole mirror has to equal it, with
// nothing wrongly deleted and true counts.
//
// SYNCD_TEST_CHAOS is for how long; SYNCD_TEST_SEED repeats the world that a failure names.
func TestChaos(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	lasts, err := time.ParseDuration(cmp.Or(os.Getenv("SYNCD_TEST_CHAOS"), "12s"))
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano() & 0xffffffff)
	fixed := os.Getenv("SYNCD_TEST_SEED")
	if fixed != "" {
		if seed, err = strconv.ParseUint(fixed, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	syncd := buildSyncd(t)
	var sum tally
	worlds := 0
	for end := time.Now().Add(lasts); worlds == 0 || time.Now().Before(end) && fixed == "" && !t.Failed(); seed++ {
		worlds++
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { chaos(t, seed, syncd, &sum) }) {
			t.Errorf("repeat with SYNCD_TEST_SEED=%d go test -run TestChaos ./internal/mirror", seed)
		}
	}
	t.Logf("%d worlds (%d through a pooler), %d steps of the database's clock, %d writes, %d faults, %d kills, %d lives of a daemon, %d runs, %d rounds of tails, %d approvals; %d claims of a whole stream held against the API; %d rows compared, %d of them deleted",
		worlds, sum.pooled.Load(), sum.steps.Load(), sum.writes.Load(), sum.faults.Load(), sum.kills.Load(), sum.daemons.Load(), sum.runs.Load(), sum.rounds.Load(), sum.approvals.Load(), sum.claims.Load(), sum.rows.Load(), sum.deleted.Load())
}

// tally is what the chaos consisted of.
type tally struct {
	pooled, steps, writes, faults, kills, daemons, runs, rounds, approvals, claims, rows, deleted atomic.Int64
}

// follower makes rounds of tails.
func (h *harness) follower(t *testing.T, sum *tally) *catalog.Mirror {
	t.Helper()
	return h.NewMirror(t, func(c *catalog.Config) {
		c.LeaseTTL, c.WaitForLease, c.Observer = time.Second, true, counting{sum}
	})
}

func chaos(t *testing.T, seed uint64, syncd string, sum *tally) {
	random := rand.New(rand.NewPCG(seed, 1))
	world := polarsim.Options{Seed: seed, Customers: 5 + random.IntN(56), Tick: time.Duration(1+random.IntN(100)) * time.Millisecond}
	if random.IntN(2) == 0 {
		world.FeedLag = time.Duration(1+random.IntN(1200)) * time.Second
	}
	dsn, direct := chaosDatabase(t, random, sum)
	h := start(t, setup{World: world, DSN: dsn, Direct: direct})
	lasts := time.Duration(300+random.IntN(1500)) * time.Millisecond
	daemon := random.IntN(2) == 0
	if daemon {
		lasts *= 3
	}
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var all sync.WaitGroup
	var breath sync.RWMutex // whoever changes the world or its answers holds it for reading
	var still sync.Mutex    // nobody is cut off while it is held
	loop := func(every time.Duration, do func(r *rand.Rand)) {
		r := rand.New(rand.NewPCG(seed, random.Uint64()))
		all.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(r)
				}
			}
		})
	}
	loop(10*time.Millisecond, func(r *rand.Rand) {
		breath.RLock()
		defer breath.RUnlock()
		h.disturb(ctx, r, sum)
	})
	loop(300*time.Millisecond, func(r *rand.Rand) {
		breath.Lock()
		defer breath.Unlock()
		h.claims(ctx, t, r, &still, sum)
	})
	loop(25*time.Millisecond, func(r *rand.Rand) {
		breath.RLock()
		defer breath.RUnlock()
		if r.IntN(8) == 0 {
			h.Server.ClearFaults()
			return
		}
		h.Server.AddFault(randomFault(r))
		sum.faults.Add(1)
	})
	calm := func(do func(r *rand.Rand)) func(*rand.Rand) {
		return func(r *rand.Rand) {
			still.Lock()
			defer still.Unlock()
			do(r)
		}
	}
	loop(150*time.Millisecond, calm(func(r *rand.Rand) { h.rob(ctx, t, r, sum) }))
	if random.IntN(3) == 0 {
		var ahead time.Duration
		loop(400*time.Millisecond, calm(func(r *rand.Rand) {
			ahead += h.step(t, r, ahead, daemon)
			sum.steps.Add(1)
		}))
	}
	if daemon {
		loop(time.Millisecond, func(r *rand.Rand) { h.daemon(ctx, t, r, syncd, dsn, sum) })
	}
	loop(time.Millisecond, func(r *rand.Rand) { h.shortLived(ctx, t, r, sum) })
	loop(time.Millisecond, func(r *rand.Rand) { h.shortLived(ctx, t, r, sum) })
	all.Wait()
	h.Server.ClearFaults()
	h.settle(t, sum)
	h.Equal(t, chaosStreams()...)
	h.deletedRightly(t, sum)
	h.trueCounts(t)
}

// disturb makes changes, as Polar's users, its checkout and its clock do.
func (h *harness) disturb(ctx context.Context, r *rand.Rand, sum *tally) {
	sum.writes.Add(1)
	switch r.IntN(20) {
	case 0:
		h.World.Advance(time.Duration(1+r.IntN(240)) * time.Hour)
	case 1, 2, 3:
		h.write(ctx, http.MethodPost, "/v1/customers/", fmt.Sprintf(`{"email": "c%d@example.com", "external_id": "e%d"}`, r.Uint64(), r.IntN(50)))
	case 4:
		h.write(ctx, http.MethodPatch, fmt.Sprintf("/v1/customers/external/e%d", r.IntN(50)), fmt.Sprintf(`{"name": "N%d"}`, r.IntN(1000)))
	case 5:
		h.write(ctx, http.MethodDelete, fmt.Sprintf("/v1/customers/external/e%d", r.IntN(50)), "")
	case 7:
		h.World.StopWorker()
	case 8, 9:
		h.World.StartWorker()
	case 6:
		h.write(ctx, http.MethodPost, "/v1/metrics/dashboards", fmt.Sprintf(`{"name": "D%d", "metrics": ["revenue"]}`, r.IntN(1000)))
	default:
		h.World.Churn(1 + r.IntN(3))
	}
}

// write makes a call and does not mind what becomes of it: the faults strike it, too.
func (h *harness) write(ctx context.Context, method, path, body string) {
	req, err := http.NewRequestWithContext(ctx, method, h.HTTP.URL+path, strings.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+worldtest.Token)
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// randomFault is one of those that pass by themselves.
func randomFault(r *rand.Rand) polarsim.Fault {
	kinds := []string{"500", "502", "503", "504", "404", "429", "reset", "truncate", "html", "clamp", "total", "repeat", "empty", "drift",
		"type", "noid", "badid", "nul", "bigint", "utf8", "dup"}
	paths := []string{"/v1/orders/", "/v1/customers/", "/v1/members/", "/v1/subscriptions/", "/v1/payments/", "/v1/customer-meters/", "/v1/products/", "/v1/meters/", "/v1/*"}
	f := polarsim.Fault{Kind: kinds[r.IntN(len(kinds))], Path: paths[r.IntN(len(paths))], Times: 1 + r.IntN(4), Skip: r.IntN(3), Item: r.IntN(5)}
	switch f.Kind {
	case "429":
		f.Value = "1"
	case "clamp":
		f.Value = strconv.Itoa(1 + r.IntN(20))
	case "total":
		f.Value = []string{"+1", "-1", "0", "100000"}[r.IntN(4)]
	case "drift":
		f.Value = []string{"+1", "-1"}[r.IntN(2)]
	case "repeat":
		f.Value = "1"
	case "bigint": // where a column refuses it: one of any JSON takes it for what Polar says
		f.Path = []string{"/v1/orders/", "/v1/payments/"}[r.IntN(2)]
	case "500":
		if r.IntN(2) == 0 {
			f.Row = 1 + r.IntN(50)
		}
	}
	return f
}

// shortLived is a process that syncs, and is killed, stopped, or left to finish.
func (h *harness) shortLived(ctx context.Context, t *testing.T, r *rand.Rand, sum *tally) {
	runner := h.NewMirror(t, func(c *catalog.Config) {
		c.LeaseTTL, c.Parallel, c.Observer = time.Second, 1+r.IntN(4), counting{sum}
	})
	defer runner.Client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	switch after := time.Duration(5+r.IntN(300)) * time.Millisecond; r.IntN(3) {
	case 0:
		defer time.AfterFunc(after, func() { sum.kills.Add(1); cancel() }).Stop()
	case 1:
		defer time.AfterFunc(after, func() { sum.kills.Add(1); runner.Drain() }).Stop()
	}
	if r.IntN(3) == 0 {
		sum.rounds.Add(1)
		if _, err := h.follower(t, sum).Tail(ctx, chaosStreams()...); err != nil && strings.Contains(err.Error(), "panic") {
			t.Error(err)
		}
		return
	}
	// What becomes of it is of no account: only what the tables hold in the end is.
	if _, err := runner.Sync(ctx, chaosStreams()...); err != nil && strings.Contains(err.Error(), "panic") {
		t.Error(err)
	}
}

// claims syncs some streams while the world stands still, among faults and beside other runners, and holds what it says is
// whole against the API. A sweep that was resumed read a part of it before.
func (h *harness) claims(ctx context.Context, t *testing.T, r *rand.Rand, still *sync.Mutex, sum *tally) {
	runner := h.NewMirror(t, func(c *catalog.Config) { c.LeaseTTL, c.Observer = time.Second, counting{sum} })
	defer runner.Client.Close()
	// A list that is said to be empty is one, for who has not read it before.
	h.Server.ClearFaults()
	var faults []string
	for range r.IntN(5) {
		if f := randomFault(r); f.Kind != "empty" {
			faults = append(faults, fmt.Sprintf("%+v", f))
			h.Server.AddFault(f)
			sum.faults.Add(1)
		}
	}
	names := chaosStreams()
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+r.IntN(4)]
	parents := map[string][]string{}
	for _, s := range catalog.Entries() {
		for _, p := range s.Parents {
			if parents[s.Name] = append(parents[s.Name], p.Stream); slices.Contains(names, s.Name) {
				names = append(names, p.Stream)
			}
		}
	}
	// Events that are still to be written are listed while the clock goes on, though the world stands still.
	moves := h.World.OwesEvents()
	results, err := runner.Sync(ctx, names...)
	if err != nil || ctx.Err() != nil {
		return
	}
	h.Server.ClearFaults()
	still.Lock()
	defer still.Unlock()
	h.reconnect(t)
	whole := map[string]bool{}
	for _, res := range results {
		whole[res.Stream] = res.IsWhole() && !res.Resumed && (!moves || res.Stream != "balance_events")
	}
	for _, res := range results {
		// What is listed for one owner at a time is whole as of the last sweep of the owners.
		asOfNow := !slices.ContainsFunc(parents[res.Stream], func(p string) bool { return !whole[p] })
		if whole[res.Stream] && asOfNow && !t.Failed() {
			sum.claims.Add(1)
			if h.Equal(t, res.Stream); t.Failed() {
				t.Errorf("run %d of %s said that it is whole, among these faults: %s", res.RunID, res.Stream, strings.Join(faults, " "))
			}
		}
	}
}

type counting struct{ sum *tally }

func (counting) RunStarted(string) {}

func (counting) PageStored(string, int, int) {}

func (c counting) RunFinished(r mirror.Result) {
	if r.RunID != 0 {
		c.sum.runs.Add(1)
	}
}

// settle syncs in peace until every stream is whole. What the brake holds, an operator approves.
func (h *harness) settle(t *testing.T, sum *tally) {
	t.Helper()
	h.reconnect(t)
	h.World.FinishWork() // else there is no peace: events come as long as the worker has not written them
	r := h.NewMirror(t, func(c *catalog.Config) {
		c.LeaseTTL, c.WaitForLease, c.Observer = time.Second, true, counting{sum}
	})
	for range 5 {
		results, err := r.Sync(t.Context(), chaosStreams()...)
		if err != nil {
			t.Fatal(err)
		}
		whole := true
		for _, res := range results {
			claimed := res.IsWhole() && !res.Resumed // what a resumed sweep read before, it read during the chaos
			if whole = whole && claimed; claimed {
				sum.claims.Add(1)
				h.Equal(t, res.Stream)
			}
		}
		standings, err := h.Store.Streams().Standings(t.Context(), chaosStreams())
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range standings {
			if st.Held > 0 {
				sum.approvals.Add(1)
				if _, err := r.ApproveDeletions(t.Context(), st.HeldRun); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !whole {
			continue
		}
		for _, st := range standings {
			if why := st.Missing(); why != "" {
				t.Errorf("%s is whole, yet: %s", st.Stream, why)
			}
		}
		if res, err := h.follower(t, sum).Tail(t.Context(), chaosStreams()...); err != nil || res.Outcome != mirror.Succeeded {
			t.Errorf("a round of tails in peace: %v %s: %s", err, res.Outcome, res.Reason)
		}
		return
	}
	results, err := r.Sync(t.Context(), chaosStreams()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range results {
		if !res.IsWhole() {
			t.Errorf("%s is not whole after five syncs in peace: %s: %s", res.Stream, res.Outcome, res.Reason)
		}
	}
}

// deletedRightly asks Polar for every row that is marked as deleted.
func (h *harness) deletedRightly(t *testing.T, sum *tally) {
	t.Helper()
	for _, s := range catalog.Entries() {
		if s.Name == "metrics" || s.Name == "events" || s.Optional {
			continue
		}
		for _, row := range h.Stored(t, s.Name, "true") {
			sum.rows.Add(1)
			if row["_deleted_at"] == nil {
				continue
			}
			sum.deleted.Add(1)
			path := s.Get
			for column, v := range row {
				if text, ok := v.(string); ok {
					path = strings.ReplaceAll(path, "{"+column+"}", text)
				}
			}
			if path == "" { // nobody can be asked
			} else if status, body := h.Call(t, http.MethodGet, path, ""); status != http.StatusNotFound || !strings.Contains(string(body), "ResourceNotFound") {
				t.Errorf("%s %v is marked as deleted, GET %s says %d", s.Name, row["id"], path, status)
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_tombstones WHERE stream = $1 AND id::text = $2 AND resurrected_at IS NULL", s.Name, row["id"]); n == 0 {
				t.Errorf("%s %v is marked as deleted without evidence", s.Name, row["id"])
			}
		}
	}
}

// trueCounts holds the records of the runs against the tables.
func (h *harness) trueCounts(t *testing.T) {
	t.Helper()
	tailed := worldtest.Query[int64](t, h, "SELECT coalesce(sum(rows_inserted), 0)::bigint FROM sync_runs WHERE stream = 'tail'") // of all streams
	for _, name := range chaosStreams() {
		rows := worldtest.Query[int64](t, h, "SELECT count(*) FROM "+name)
		inserted := worldtest.Query[int64](t, h, "SELECT coalesce(sum(rows_inserted), 0)::bigint FROM sync_runs WHERE stream = $1", name)
		copied := worldtest.Query[int64](t, h, "SELECT count(*) FROM sync_stubs WHERE stream = $1", name)
		// A row that is copied from an order just when its own page comes counts for both.
		if inserted > rows || inserted+copied+tailed < rows {
			t.Errorf("%s: the runs inserted %d rows, rounds of tails %d of all streams, %d were copied, the table has %d", name, inserted, tailed, copied, rows)
		}
	}
	// Nothing tells that the process of a run without a lease has died but that it does not end: the next one after an hour says so,
	// and at once of one that began before the clock was set back by more.
	if _, err := h.Store.Pool().Exec(t.Context(), `UPDATE sync_runs SET started_at = now() - interval '61 minutes'
		WHERE kind = 'refresh' AND finished_at IS NULL AND started_at <= now() + interval '1 hour'`); err != nil {
		t.Error(err)
	}
	for _, name := range chaosStreams() {
		run, err := h.Store.Runs().Open(t.Context(), name, store.KindRefresh, "the next")
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Finish(t.Context(), store.Closing{Outcome: string(mirror.Succeeded)}); err != nil {
			t.Fatal(err)
		}
	}
	for what, sql := range map[string]string{
		"open runs":                 "SELECT count(*) FROM sync_runs WHERE finished_at IS NULL",
		"runs without an outcome":   "SELECT count(*) FROM sync_runs WHERE outcome IS NULL OR outcome NOT IN ('succeeded', 'partial', 'failed', 'interrupted', 'skipped')",
		"leases left":               "SELECT count(*) FROM sync_streams WHERE lease_run IS NOT NULL",
		"runs that read too little": "SELECT count(*) FROM sync_runs WHERE rows_read + rows_rejected < rows_inserted + rows_updated + rows_unchanged + rows_stale",
		"ids of sweeps that ended":  "SELECT count(*) FROM sync_seen WHERE requested_at < now() - interval '10 minutes'",
	} {
		if n := worldtest.Query[int64](t, h, sql); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	for _, run := range h.Texts(t, "SELECT to_jsonb(r)::text FROM sync_runs r WHERE finished_at IS NULL") {
		t.Logf("open: %s", run)
	}
	if recorded := worldtest.Query[int64](t, h, "SELECT coalesce(sum(requests), 0)::bigint FROM sync_runs"); recorded > int64(h.Server.Requests()) {
		t.Errorf("%d requests on record, Polar received %d", recorded, h.Server.Requests())
	}
}

// Found by chaos: a row that is known from a copy only, and is deleted before its own stream was ever read, is in no
// list that a sweep could miss it in.
func TestTombstoneOfACopy(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "orders")
	id := worldtest.Query[string](t, h, "SELECT id::text FROM sync_stubs JOIN customers USING (id) WHERE stream = 'customers' AND _deleted_at IS NULL LIMIT 1")
	if status, body := h.Call(t, http.MethodDelete, "/v1/customers/"+id, ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	h.SyncAll(t, "customers")
	h.Tombstone(t, "customers", id)
	h.Equal(t, "customers")
}
