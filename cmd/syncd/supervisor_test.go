package main

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// A supervisor of type notify is told when the daemon is ready, that it is alive, and that it ends.
func TestSupervisorIsTold(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	next := func() string {
		buf := make([]byte, 1000)
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	polar, _ := simulated(t, polarsim.ServerOptions{})
	d := startDaemonIn(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=200000"}, pgtest.Empty(t), polar, "--streams=products")
	if told := next(); told != "READY=1" {
		t.Errorf("told %q first", told)
	}
	if code, _ := d.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("ready, and healthz says %d", code)
	}
	if told := next(); told != "WATCHDOG=1" {
		t.Errorf("told %q while it runs", told)
	}
	d.terminate(t)
	for told := next(); told != "STOPPING=1"; told = next() {
		if told != "WATCHDOG=1" {
			t.Fatalf("told %q before the end", told)
		}
	}
	if code := d.end(t); code != exitComplete {
		t.Errorf("ended with %d", code)
	}
}

// Health is asked by who has no curl: a container image without a shell.
func TestHealth(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, _ := simulated(t, polarsim.ServerOptions{})
	d := startDaemon(t, polar, "--streams=products")
	at := strings.TrimPrefix(d.url, "http://")
	await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--listen", at}, exitComplete, "ok\n"},
		{[]string{"--listen", at, "--ready"}, exitComplete, "polar: ok"},
		{[]string{"--listen", "off"}, exitUsage, "listen is off"},
		{[]string{"--listen", "127.0.0.1:1"}, exitFailed, "no daemon answers at http://127.0.0.1:1/healthz"},
	} {
		stdout, stderr := program(t, nil, c.code, append([]string{"health"}, c.args...)...)
		if out := stdout + stderr; !strings.Contains(out, c.want) {
			t.Errorf("health %v says %q", c.args, out)
		}
	}
	d.stop(t)
}
