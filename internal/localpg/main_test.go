//go:build linux || darwin

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childBase makes the test binary a program that starts a cluster in the named directory, prints its DSN and waits
// for the end of its standard input.
const childBase = "SYNCD_LOCALPG_CHILD"

func TestMain(m *testing.M) {
	if base := os.Getenv(childBase); base != "" {
		if err := child(base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func child(base string) error {
	s, err := Start(context.Background(), Options{Dir: base})
	if err != nil {
		return err
	}
	fmt.Println(s.DSN())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, s.Close())
}

// process is a running child and the cluster it started.
type process struct {
	*exec.Cmd
	stdin io.Closer
	dsn   string
	dir   string // the cluster's
}

func startChild(t *testing.T, base string, as *syscall.Credential) process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if as != nil {
		exe = copyFor(t, exe) // where go test keeps it, only its user may read it
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childBase+"="+base)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // often closed already
		_ = cmd.Wait()    // its end is what the test is about
	})
	p := process{Cmd: cmd, stdin: stdin}
	if _, err := fmt.Fscanln(stdout, &p.dsn); err != nil {
		_ = stdin.Close()
		t.Fatalf("the child did not start: %v, %v: %s", err, cmd.Wait(), stderr.String())
	}
	dirs := clusterDirs(t, base)
	if len(dirs) != 1 {
		t.Fatalf("the child made the directories %q, want one", dirs)
	}
	p.dir = dirs[0]
	return p
}

// copyFor copies a program to where every user may run it.
func copyFor(t *testing.T, exe string) string {
	t.Helper()
	content, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(sharedDir(t), "child")
	if err := os.WriteFile(copied, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// sharedDir is a directory like /tmp: everybody may make entries in it. t.TempDir is closed to others, and its long
// name leaves no room for a socket.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

func clusterDirs(t *testing.T, base string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// processes are the ids of the processes that have dir in their command line.
func processes(t *testing.T, dir string) (pids []string) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil { // no Linux
		return processesByPS(t, dir)
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		args, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(args), dir) { // a process that is gone has none
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

func processesByPS(t *testing.T, dir string) (pids []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-A", "-o", "pid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if pid, args, _ := strings.Cut(strings.TrimSpace(line), " "); strings.Contains(args, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

// start starts a private cluster that the end of the test closes.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	needServer(t, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// needServer skips a test of private clusters on a machine that has no PostgreSQL, except in CI.
func needServer(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrNoServer) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("needs root on %s: it is about what root does instead of running as itself", runtime.GOOS)
	}
}
