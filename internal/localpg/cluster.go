//go:build linux || darwin

package localpg

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// socketPort names the Unix socket (.s.PGSQL.5432). The socket is alone in its directory, so no free port is needed.
	socketPort = 5432
	// stopTimeout bounds a stop. Postgres itself kills its processes 5 s after a request for an immediate shutdown.
	stopTimeout = 15 * time.Second
	pollEvery   = 10 * time.Millisecond
)

//go:embed guard.sh
var guardScript []byte

// defaults make a cluster quick and small: what a crash loses would be thrown away anyway.
var defaults = map[string]string{
	"fsync":                      "off",
	"synchronous_commit":         "off",
	"full_page_writes":           "off",
	"wal_level":                  "minimal",
	"max_wal_senders":            "0",
	"max_wal_size":               "512MB",
	"shared_buffers":             "64MB",
	"max_connections":            "100",
	"jit":                        "off",
	"timezone":                   "UTC",
	"dynamic_shared_memory_type": "mmap", // in the cluster's directory: /dev/shm has 64 MB in a container, and may keep what a kill -9 leaves
	"log_checkpoints":            "off",
}

// cluster is a running private server: the guard (see guard.sh), which runs the server, and its directory.
type cluster struct {
	dsn     string
	version int // of Postgres, the major one
	dir     *clusterDir
	pipe    *os.File // its closing tells the guard to stop the server and to clean up
	log     *os.File

	guard  *exec.Cmd
	exited chan struct{} // closed when the guard has ended
}

func startCluster(ctx context.Context, bin string, o Options) (*cluster, error) {
	base := o.Dir
	if base == "" {
		base = os.TempDir()
	}
	sweep(ctx, base, o.Log)
	who := identities()
	if !o.TCP {
		return startAs(ctx, who, bin, base, o.Settings, 0)
	}
	for range 5 {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		c, err := startAs(ctx, who, bin, base, o.Settings, port)
		if err != nil && strings.Contains(err.Error(), "Address already in use") {
			continue // another process took the port meanwhile
		}
		return c, err
	}
	return nil, errors.New("no free port on 127.0.0.1")
}

// startAs starts a cluster as the first identity that can run one; port 0 means only the Unix socket.
func startAs(ctx context.Context, candidates []identity, bin, base string, settings map[string]string, port int) (_ *cluster, err error) {
	dir, err := newClusterDir(base)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, exited: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	who, err := chooseIdentity(ctx, candidates, bin, dir.path)
	if err != nil {
		return nil, err
	}
	if err := c.startGuard(ctx, who, bin, options(settings, dir.path, port)); err != nil {
		return nil, err
	}
	socket := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir.path}, "port": {strconv.Itoa(cmp.Or(port, socketPort))}, "sslmode": {"disable"}}.Encode(),
	}
	c.dsn = socket.String()
	if err := c.waitReady(ctx); err != nil {
		return nil, err
	}
	if c.version, err = majorVersion(ctx, c.dsn); err != nil {
		return nil, err
	}
	if port != 0 {
		password := rand.Text()
		if err := execOn(ctx, c.dsn, "ALTER ROLE postgres PASSWORD '"+password+"'"); err != nil {
			return nil, fmt.Errorf("set the password: %w", err)
		}
		c.dsn = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	}
	return c, nil
}

// options are the server's command-line options.
func options(settings map[string]string, socketDir string, port int) []string {
	all := maps.Clone(defaults)
	maps.Copy(all, settings)
	all["unix_socket_directories"] = socketDir
	all["unix_socket_permissions"] = "0700"
	all["port"] = strconv.Itoa(cmp.Or(port, socketPort))
	all["listen_addresses"] = ""
	if port != 0 {
		all["listen_addresses"] = "127.0.0.1"
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// startGuard runs the guard, which makes and runs the cluster.
func (c *cluster) startGuard(ctx context.Context, who identity, bin string, options []string) (err error) {
	guard := filepath.Join(c.dir.path, "guard")
	if err := os.WriteFile(guard, guardScript, 0o600); err != nil {
		return err
	}
	if err := os.Chmod(guard, 0o444); err != nil { // whatever the umask: the identity must read it
		return err
	}
	if c.log, err = os.OpenFile(filepath.Join(c.dir.path, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return err
	}
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stdin.Close()) }()
	c.pipe = pipe

	args := []string{guard, c.dir.path, filepath.Join(bin, "initdb"), filepath.Join(bin, "postgres")}
	cmd := who.command(context.WithoutCancel(ctx), "/bin/sh", append(args, options...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, c.log, c.log
	cmd.ExtraFiles = []*os.File{c.dir.lock}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.guard = cmd
	go func() {
		defer close(c.exited)
		_ = cmd.Wait() // the log says how the guard ended; only that it ended matters
	}()
	return nil
}

// waitReady waits until the server takes connections.
func (c *cluster) waitReady(ctx context.Context) error {
	return awaitConnections(ctx, c.dsn, c.exited, func() error { return fmt.Errorf("the server ended at once:\n%s", c.logTail()) })
}

// awaitConnections waits until a program accepts connections, or has exited: then ended says why.
func awaitConnections(ctx context.Context, dsn string, exited <-chan struct{}, ended func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := execOn(ctx, dsn, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", ctx.Err(), err)
		case <-exited:
			return ended()
		case <-tick.C:
		}
	}
}

// logTail is the end of the server's log. The open file outlives its directory.
func (c *cluster) logTail() string {
	const most = 2 << 10
	info, err := c.log.Stat()
	if err != nil {
		return err.Error()
	}
	from := max(0, info.Size()-most)
	tail, err := io.ReadAll(io.NewSectionReader(c.log, from, most))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(tail))
}

// stop ends the guard, and with it the server, and removes the directory.
func (c *cluster) stop() (err error) {
	if c.pipe != nil {
		err = c.pipe.Close()
	}
	if c.guard != nil {
		select {
		case <-c.exited:
		case <-time.After(stopTimeout):
			err = errors.Join(err, fmt.Errorf("the server did not stop within %s: killed", stopTimeout),
				syscall.Kill(-c.guard.Process.Pid, syscall.SIGKILL))
			<-c.exited
		}
	}
	if c.log != nil {
		err = errors.Join(err, c.log.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, c.dir.remove(ctx))
}

// freePort is a port of 127.0.0.1 that was free a moment ago.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
