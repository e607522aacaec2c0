package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/bench/figures"
	"syncd/bench/process"
	"syncd/internal/localpg"
)

// bench is what the measurements share.
type bench struct {
	table figures.Table
	pg    *localpg.Server
	dbs   int
}

const (
	syncd = ".bin/syncd"
	naive = ".bin/naive"
	floor = ".bin/floor"
	token = "polar_oat_bench"
)

// newBench starts Postgres; settings are those in which it differs from that of most sections.
func newBench(ctx context.Context, settings map[string]string) (*bench, error) {
	for _, program := range []string{syncd, naive, floor} {
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("%w: run make bench", err)
		}
	}
	all := map[string]string{
		// As durable as a server that somebody relies on: a private one is not, unless told so.
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica",
		"shared_buffers": "256MB", "max_wal_size": "4GB",
		// So that it does not work in one round and not in another; what it would do is done between the measurements.
		"autovacuum": "off",
	}
	maps.Copy(all, settings)
	pg, err := localpg.Start(ctx, localpg.Options{Settings: all})
	return &bench{pg: pg}, err
}

func (b *bench) close() error { return b.pg.Close() }

// database makes a database, a copy of another or empty.
func (b *bench) database(ctx context.Context, like string) (name, dsn string, err error) {
	b.dbs++
	name = "bench" + strconv.Itoa(b.dbs)
	dsn, err = b.pg.CreateDatabase(ctx, name, like)
	return name, dsn, err
}

// session does something on a connection of its own, with the schema of syncd on its path.
func session(ctx context.Context, dsn string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to be written
	if _, err := conn.Exec(ctx, "SET search_path TO polar, polar_sync, public"); err != nil {
		return err
	}
	return do(conn)
}

// migrated does something on a connection to a database of its own, which has all tables and no row.
func (b *bench) migrated(ctx context.Context, do func(*pgx.Conn) error) error {
	name, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := process.Run(ctx, []string{"SYNCD_DATABASE_URL=" + dsn}, syncd, "migrate", "up"); err != nil {
		return err
	}
	if err := session(ctx, dsn, do); err != nil {
		return err
	}
	return b.pg.DropDatabase(ctx, name)
}

// scalar is the one value that a query gives.
func scalar[T any](ctx context.Context, dsn, sql string, args ...any) (v T, err error) {
	err = session(ctx, dsn, func(conn *pgx.Conn) error { return conn.QueryRow(ctx, sql, args...).Scan(&v) })
	return v, err
}

// usage is what a process took.
type usage = process.Usage

// polar is a simulated Polar in a process of its own.
type polar struct {
	url string
	cmd *exec.Cmd
}

// startPolar simulates an organization; further flags are those of syncd simulate. Versions of syncd that are measured
// beside one another have the same one to simulate: BENCH_SIMULATOR.
func startPolar(ctx context.Context, flags ...string) (*polar, error) {
	cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("BENCH_SIMULATOR"), syncd), append([]string{"simulate", "--seed", "1"}, flags...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &polar{cmd: cmd}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		_, p.url, _ = strings.Cut(lines.Text(), "POLAR_SERVER=")
	}
	if p.url == "" {
		return nil, errors.Join(errors.New("the simulator did not start"), cmd.Wait())
	}
	return p, nil
}

// stop ends the simulator; it may have ended, and nobody minds how.
func (p *polar) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// environ leads a program to this Polar and to a database.
func (p *polar) environ(dsn string) []string {
	return []string{"SYNCD_DATABASE_URL=" + dsn, "POLAR_SERVER=" + p.url, "POLAR_ACCESS_TOKEN=" + token, "SYNCD_REQUESTS_PER_MINUTE=60000"}
}

// syncd runs a command of it against this Polar.
func (p *polar) syncd(ctx context.Context, dsn string, args ...string) (usage, error) {
	return process.Run(ctx, p.environ(dsn), syncd, args...)
}

// control asks the simulator itself; into may be nil.
func (p *polar) control(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		return errors.Join(err, fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// machine is what this runs on.
func machine(ctx context.Context) string {
	model := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	version, err := exec.CommandContext(ctx, "uname", "-sr").Output()
	if err != nil {
		version = []byte(runtime.GOOS)
	}
	return fmt.Sprintf("%d cores of %s, %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(version)), runtime.Version())
}
