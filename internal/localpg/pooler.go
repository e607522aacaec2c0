//go:build linux || darwin

package localpg

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed pooler.sh
var poolerScript string

// Pooler is a PgBouncer of this process in front of a server.
type Pooler struct {
	dsn    string
	dir    string
	pipe   *os.File
	exited chan struct{}
	cmd    *exec.Cmd
}

// StartPooler starts a PgBouncer in front of the server of dsn, with a pool_mode: session, transaction or statement. settings are
// "name=value" of pgbouncer.ini, and override the defaults. The pooler ends with Close, and when this process ends in another
// way.
func StartPooler(ctx context.Context, dsn, mode string, settings ...string) (*Pooler, error) {
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			return nil, ErrNoPooler
		}
	}
	var problems []error
	for _, who := range identities() {
		p, err := startPooler(ctx, who, bin, dsn, mode, settings...)
		if err == nil {
			return p, nil
		}
		problems = append(problems, fmt.Errorf("as %s: %w", who.name, err))
	}
	return nil, fmt.Errorf("localpg: start %s: %w", bin, errors.Join(problems...))
}

func startPooler(ctx context.Context, who identity, bin, dsn, mode string, settings ...string) (_ *Pooler, err error) {
	server, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the server's DSN cannot be read") // the cause would print the password
	}
	dir, err := os.MkdirTemp("", "syncd-pooler-")
	if err != nil {
		return nil, err
	}
	p := &Pooler{dir: dir, exited: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	all := map[string]string{
		"auth_type":       "any", // only this user can reach the socket's directory
		"unix_socket_dir": dir, "listen_port": strconv.Itoa(socketPort), "pool_mode": mode,
		"default_pool_size": "5", "max_client_conn": "200", "server_check_delay": "0",
		"logfile": "", "pidfile": "",
	}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		all[name] = value
	}
	quote := strings.NewReplacer(`'`, `''`)
	var ini strings.Builder
	fmt.Fprintf(&ini, "[databases]\n* = host='%s' port=%d user='%s'", quote.Replace(server.Host), server.Port, quote.Replace(server.User))
	if server.Password != "" {
		fmt.Fprintf(&ini, " password='%s'", quote.Replace(server.Password))
	}
	ini.WriteString("\n[pgbouncer]\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&ini, "%s = %s\n", name, all[name])
	}
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(path, []byte(ini.String()), 0o600); err != nil {
		return nil, err
	}
	if who.chown {
		for _, name := range []string{dir, path} {
			if err := os.Chown(name, int(who.uid), int(who.gid)); err != nil {
				return nil, err
			}
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stdin.Close()) }()
	p.pipe = pipe
	p.cmd = who.command(context.WithoutCancel(ctx), "/bin/sh", "-c", poolerScript, "pooler", dir, bin, path)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, log, log
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // the log says how it ended; only that it ended matters
	}()
	front := url.URL{
		Scheme: "postgres", User: url.User(server.User), Path: "/" + server.Database,
		RawQuery: url.Values{"host": {dir}, "port": {strconv.Itoa(socketPort)}, "sslmode": {"disable"}}.Encode(),
	}
	p.dsn = front.String()
	return p, p.waitReady(ctx)
}

// waitReady waits until the pooler accepts connections.
func (p *Pooler) waitReady(ctx context.Context) error {
	err := awaitConnections(ctx, p.dsn, p.exited, func() error {
		return fmt.Errorf("it ended at once: %s", p.Output())
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dir, "ready"), nil, 0o600)
}

// Output is the pooler's log so far; "" where it cannot be read. If the pooler ended by itself and was started again, the log
// says so.
func (p *Pooler) Output() string {
	said, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(said))
}

// DSN leads through the pooler to the database of StartPooler's dsn.
func (p *Pooler) DSN() string { return p.dsn }

// Close ends the pooler, its clients' sessions included, and removes its directory.
func (p *Pooler) Close() (err error) {
	if p.pipe != nil {
		err = p.pipe.Close()
	}
	if p.cmd != nil {
		select {
		case <-p.exited:
		case <-time.After(stopTimeout):
			err = errors.Join(err, fmt.Errorf("pgbouncer did not stop within %s: killed", stopTimeout), syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL))
			<-p.exited
		}
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}
