//go:build linux || darwin

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const dirPrefix = "syncd-postgres-"

// clusterDir is the directory of one cluster. Its users hold its lock: the process that made it and the guard that this process
// started. When both are gone, the next start removes it.
type clusterDir struct {
	path string
	lock *os.File
}

func newClusterDir(base string) (*clusterDir, error) {
	for range 10 {
		path, err := os.MkdirTemp(base, dirPrefix) // mode 0700: the socket inside is for this user only
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(path, os.O_CREATE|os.O_EXCL)
		if err == nil {
			return &clusterDir{path: path, lock: lock}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errLocked) {
			return nil, err
		}
		// A sweep removed the directory before it was locked.
	}
	return nil, fmt.Errorf("cannot keep a directory in %s: another process removes it", base)
}

// remove deletes the directory. The guard has done so already, unless it was killed or may not write to the base.
func (d *clusterDir) remove(ctx context.Context) error {
	return errors.Join(removeCluster(ctx, d.path), d.lock.Close())
}

var errLocked = errors.New("in use")

// lockDir takes the lock of a cluster's directory, or returns errLocked. The lock ends with its last descriptor.
func lockDir(dir string, flags int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), flags|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	// Before this process got the lock, another one may have locked, removed and left the directory.
	if _, err := os.Stat(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// sweep removes what dead processes left in base. Directories in use, and those of other users, stay. It never fails a start: it
// logs what it could not remove.
func sweep(ctx context.Context, base string, log *slog.Logger) {
	dirs, err := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	if err != nil {
		return // a base with glob characters is not swept
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ours(info) {
			continue
		}
		switch removed, err := sweepDir(ctx, dir, info); {
		case err != nil:
			log.Warn("a stale private Postgres could not be removed", "dir", dir, "error", err)
		case removed:
			log.Info("removed what a private Postgres left when its owner was killed", "dir", dir)
		}
	}
}

func sweepDir(ctx context.Context, dir string, info fs.FileInfo) (removed bool, err error) {
	lock, err := lockDir(dir, 0)
	switch {
	case err == nil:
		return true, errors.Join(removeCluster(ctx, dir), lock.Close())
	case errors.Is(err, fs.ErrNotExist) && time.Since(info.ModTime()) > time.Minute:
		return true, removeCluster(ctx, dir) // an earlier removal was cut short
	case errors.Is(err, fs.ErrNotExist):
		return os.Remove(dir) == nil, nil // if empty; else its owner is just making or removing it
	case errors.Is(err, errLocked), errors.Is(err, fs.ErrPermission):
		return false, nil
	}
	return false, err
}

// removeCluster stops a server that may still run in a directory without a guard, and deletes the directory.
func removeCluster(ctx context.Context, dir string) error {
	if err := stopStray(ctx, dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// stopStray shuts down the server in a cluster's directory, if one answers there. Only an answer on its socket proves that the
// process id in postmaster.pid still belongs to the server.
func stopStray(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for answers(ctx, dir) {
		pid, err := postmasterPID(dir)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGQUIT)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the server in %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stop the server in %s: %w", dir, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func answers(ctx context.Context, dir string) bool {
	sockets, err := filepath.Glob(filepath.Join(dir, ".s.PGSQL.*"))
	if err != nil {
		return false
	}
	for _, socket := range sockets {
		if strings.HasSuffix(socket, ".lock") {
			continue
		}
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", socket); err == nil {
			_ = conn.Close() // nothing was sent
			return true
		}
	}
	return false
}

// postmasterPID is the first line of the file that a running server keeps in its data directory.
func postmasterPID(dir string) (int, error) {
	content, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}
