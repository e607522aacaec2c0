//go:build linux || darwin

package localpg

import (
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// However the process that started a cluster ends, nothing of the cluster is left.
func TestOwnerEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(process) error
	}{
		{"by itself", func(p process) error { return p.stdin.Close() }},
		{"kill -9", func(p process) error { return p.Process.Kill() }},
		{"kill", func(p process) error { return p.Process.Signal(syscall.SIGTERM) }},
		{"ctrl-C", func(p process) error { return syscall.Kill(-p.Process.Pid, syscall.SIGINT) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			needBinaries(t)
			base := sharedDir(t)
			p := startChild(t, base, nil)
			connect(t, p.dsn) // a client that stays
			if err := tc.end(p); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the processes end", func() bool { return len(processes(t, p.dir)) == 0 })
			eventually(t, "the directory goes", func() bool { return len(clusterDirs(t, base)) == 0 })
		})
	}
}

// When the guard dies too, the server goes on without anybody; the next start ends it.
func TestSweepAfterOwnerAndGuardWereKilled(t *testing.T) {
	t.Parallel()
	needBinaries(t)
	base := sharedDir(t)
	p := startChild(t, base, nil)
	for _, pid := range guards(t, p.dir) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // killed
	query(t, p.dsn, "SELECT 'still there'")
	s := start(t, Options{Dir: base})
	if pids := processes(t, p.dir); len(pids) != 0 {
		t.Errorf("processes %v of the stale cluster are left", pids)
	}
	if dirs := clusterDirs(t, base); len(dirs) != 1 || dirs[0] == p.dir {
		t.Errorf("directories %q, want the new one only", dirs)
	}
	query(t, s.DSN(), "SELECT 'lives'")
}

func TestSweepLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	base := sharedDir(t)
	make := func(name string, age time.Duration, files ...string) string {
		dir := filepath.Join(base, dirPrefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	used, err := newClusterDir(base)
	if err != nil {
		t.Fatal(err)
	}
	stay := []string{used.path, make("being-made", 0, "x")}
	file := filepath.Join(base, dirPrefix+"file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, dirPrefix+"link")
	if err := os.Symlink(base, link); err != nil {
		t.Fatal(err)
	}
	stay = append(stay, file, link)
	if os.Geteuid() == 0 {
		foreign := make("foreign", time.Hour, "lock", "x")
		if err := os.Chown(foreign, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		stay = append(stay, foreign)
	}
	gone := []string{
		make("stale", 0, "lock", "x"),
		make("half-removed", time.Hour, "x"),
		make("empty", 0),
	}

	var log strings.Builder
	sweep(t.Context(), base, slog.New(slog.NewTextHandler(&log, nil)))
	for _, path := range stay {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("swept what it should leave: %v", err)
		}
	}
	for _, path := range gone {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("left %s", path)
		}
		if !strings.Contains(log.String(), path) {
			t.Errorf("said nothing of %s: %s", path, &log)
		}
	}
	if err := used.remove(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	needBinaries(t)
	nobody := lookup(t, "nobody")
	base := sharedDir(t)
	p := startChild(t, base, nobody)
	info, err := os.Stat(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != nobody.Uid {
		t.Errorf("the cluster is not the user's own: %+v", info.Sys())
	}
	query(t, p.dsn, "SELECT 'root may look'")
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the child failed: %v", err)
	}
	if dirs := clusterDirs(t, base); len(dirs) != 0 {
		t.Errorf("directories %q are left", dirs)
	}
}

// Every identity that root may choose runs a cluster, where the machine allows it.
func TestIdentitiesOfRoot(t *testing.T) {
	t.Parallel()
	needRoot(t)
	bin := needBinaries(t)
	for _, who := range rootIdentities() {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			base := sharedDir(t)
			c, err := startAs(t.Context(), []identity{who}, bin, base, nil, 0)
			if err != nil && strings.Contains(err.Error(), "operation not permitted") {
				t.Skip("not allowed on this machine:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			query(t, c.dsn, "SELECT 'lives'")
			if err := c.stop(); err != nil {
				t.Error(err)
			}
			if dirs := clusterDirs(t, base); len(dirs) != 0 {
				t.Errorf("directories %q are left", dirs)
			}
		})
	}
}

func TestFallsBackToTheNextIdentity(t *testing.T) {
	t.Parallel()
	needRoot(t)
	bin := needBinaries(t)
	root := identity{name: "root itself"} // refused by PostgreSQL
	who := identity{name: "nobody", chown: true}
	credential := lookup(t, "nobody")
	who.uid, who.gid, who.attr.Credential = credential.Uid, credential.Gid, credential

	closed := t.TempDir() // belongs to root, and others may not enter
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := startAs(t.Context(), []identity{who}, bin, closed, nil, 0)
	if err == nil || !strings.Contains(err.Error(), "as nobody") {
		t.Errorf("in a directory that nobody may enter: %v", err)
	}

	base := sharedDir(t)
	dir, err := newClusterDir(base)
	if err != nil {
		t.Fatal(err)
	}
	absent := who
	absent.name, absent.attr.Chroot = "somebody elsewhere", "/nonexistent"
	chosen, err := chooseIdentity(t.Context(), []identity{absent, who, root}, bin, dir.path)
	if err != nil {
		t.Fatal(err)
	}
	if chosen.name != "nobody" {
		t.Errorf("chose %s, want nobody", chosen.name)
	}
	if err := dir.remove(t.Context()); err != nil {
		t.Error(err)
	}
}

// guards are the shells of a cluster.
func guards(t *testing.T, dir string) (pids []int) {
	t.Helper()
	for _, pid := range processes(t, filepath.Join(dir, "guard")) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	if len(pids) == 0 {
		t.Fatal("the cluster has no guard")
	}
	return pids
}

func lookup(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		t.Fatal(uidErr, gidErr)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func needBinaries(t *testing.T) string {
	t.Helper()
	bin, err := findBinaries("")
	needServer(t, err)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}
