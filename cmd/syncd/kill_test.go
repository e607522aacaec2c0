package main

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// fromEnviron is a number that `make kill-trials` sets.
func fromEnviron(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A sync that is killed with SIGKILL at any moment loses nothing: the next one goes on from the last page, and the
// tables end as those of a sync that was left alone.
func TestResumeAfterKill9(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	trials := fromEnviron(t, "SYNCD_TEST_KILLS", 3)
	orders := fromEnviron(t, "SYNCD_TEST_KILL_ORDERS", 3000)
	sim := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Orders: orders}), polarsim.ServerOptions{Token: simulatedToken})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	sync := func(dsn string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "syncd", "sync", "orders", "--lease", "1s", "--requests-per-minute", "60000")
		cmd.Env = append(os.Environ(), "SYNCD_DATABASE_URL="+dsn, "POLAR_SERVER="+server.URL, "POLAR_ACCESS_TOKEN="+simulatedToken)
		return cmd
	}
	finish := func(t *testing.T, dsn string) (requests int, took time.Duration) {
		t.Helper()
		began := time.Now()
		if out, err := sync(dsn).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return sim.RequestsByPath()["GET /v1/orders/"], time.Since(began)
	}

	alone := pgtest.Empty(t)
	usual, took := finish(t, alone)
	want := digests(t, alone)
	if usual < orders/100 {
		t.Fatalf("%d requests counted", usual)
	}
	if len(want) < 5 {
		t.Fatalf("only %d tables to compare", len(want))
	}
	seed := uint64(fromEnviron(t, "SYNCD_TEST_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d: %d orders in %d requests and %v when left alone", seed, orders, usual, took.Round(time.Millisecond))
	random := rand.New(rand.NewPCG(seed, 0))
	most := 0
	for trial := range trials {
		after := time.Duration(random.Int64N(int64(took)))
		t.Run(fmt.Sprint(trial+1), func(t *testing.T) {
			dsn := pgtest.Empty(t)
			sim.Reset()
			cmd := sync(dsn)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(after, func() {
				if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Error(err)
				}
			})
			err := cmd.Wait()
			timer.Stop()
			died := sim.RequestsByPath()["GET /v1/orders/"]
			swept := whole(t, dsn)
			all, _ := finish(t, dsn)
			redone := all - usual
			if swept {
				redone -= usual // all pages were stored and the sweep closed: what follows is the next one
			}
			most = max(most, redone)
			t.Logf("killed after %v (%v) at request %d of %d; redone requests: %d", after.Round(time.Millisecond), err, died, usual, redone)
			if redone > 16+8+1 {
				t.Errorf("%d requests were made again, want at most those of sixteen pages of a transaction, eight on their way, and a seam", redone)
			}
			got := digests(t, dsn)
			for table, digest := range want {
				if got[table] != digest {
					t.Errorf("%s: %s, want %s as when left alone", table, got[table], digest)
				}
			}
			if n := scalar(t, dsn, "SELECT sum(rows_inserted)::text FROM polar_sync.sync_runs"); n != strconv.Itoa(orders) {
				t.Errorf("%s rows inserted by the records of the runs, want %d", n, orders)
			}
		})
	}
	t.Logf("%d trials, at most %d redone requests", trials, most)
}

// whole reports whether a sweep of orders is on record as complete. A process can be killed between that and its exit.
func whole(t *testing.T, dsn string) bool {
	t.Helper()
	if scalar(t, dsn, "SELECT (to_regclass('polar_sync.sync_runs') IS NOT NULL)::text") == "false" {
		return false
	}
	return scalar(t, dsn, "SELECT count(*)::text FROM polar_sync.sync_runs WHERE stream = 'orders' AND kind = 'sweep' AND outcome = 'succeeded'") != "0"
}

// digests of all rows of the tables of streams, without the times at which they were read and written.
func digests(t *testing.T, dsn string) map[string]string {
	t.Helper()
	tables := strings.Fields(scalar(t, dsn, `SELECT string_agg(table_name, ' ') FROM information_schema.columns WHERE table_schema = 'polar' AND column_name = '_hash'`))
	digests := make(map[string]string, len(tables))
	for _, table := range tables {
		name := pgx.Identifier{"polar", table}.Sanitize()
		digests[table] = scalar(t, dsn, `
			SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(row, ',' ORDER BY row)), 'none')
			FROM (SELECT md5((to_jsonb(t) - '{_synced_at,_requested_at,_deleted_at}'::text[] || jsonb_build_object('dead', to_jsonb(t)->>'_deleted_at' IS NOT NULL))::text) FROM `+name+` t) AS d(row)`)
	}
	if keys := slices.Collect(maps.Keys(digests)); !slices.Contains(keys, "orders") {
		t.Fatalf("tables: %v", keys)
	}
	return digests
}

func scalar(t *testing.T, dsn, sql string) (text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}
