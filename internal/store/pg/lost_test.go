package pg_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

// A connection that was cut while nobody used it is told as lost by the next statement, with and without a pooler in between:
// the one after that has another.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, pooled := range map[string]bool{"direct": false, "as through a pooler": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Migrated(t)
			p := open(t, dsn)
			if pooled {
				p.TakePooler()
			}
			if err := ping(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			// It waits until the sessions are gone.
			if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
				t.Fatal(err)
			}
			if err := ping(t.Context(), p); !pg.IsLost(err) || !pg.IsError(err) {
				t.Errorf("%v", err)
			}
			if err := ping(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
}

// A connection that breaks while it is made ready is lost as well.
func TestLostWhileItIsMadeReady(t *testing.T) {
	t.Parallel()
	c, err := pgconn.ParseConfig(pgtest.Migrated(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432")) //nolint:noctx // it is closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			cutAtTheFirstQuery(client, filepath.Join(c.Host, ".s.PGSQL.5432"))
		}
	}()
	_, err = pg.Open(t.Context(), pg.Config{DSN: "host=" + dir + " user=" + c.User + " dbname=" + c.Database + " sslmode=disable", Schema: "polar"})
	if !pg.IsLost(err) || !pg.IsError(err) {
		t.Errorf("%v", err)
	}
}

// cutAtTheFirstQuery passes on what comes to a server until the client asks something.
func cutAtTheFirstQuery(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("unix", to) //nolint:noctx // it is closed
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close() // whoever asks the server to cancel something waits for it to hang up
	}()
	message := make([]byte, 64<<10)
	for {
		n, err := client.Read(message)
		if err != nil || message[0] == 'Q' || message[0] == 'P' {
			return
		}
		if _, err := server.Write(message[:n]); err != nil {
			return
		}
	}
}

// A pooler that crashes is started again, and syncd goes on with it.
func TestPoolerThatCrashes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Pooler(t, pgtest.Migrated(t), "transaction")
	p := open(t, dsn)
	c, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := ping(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(c.Host, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for again := false; !again; <-tick.C {
			now, err := os.ReadFile(filepath.Join(c.Host, "pid"))
			again = err == nil && string(now) != string(text) && len(now) > 0 && ping(t.Context(), p) == nil
			if t.Context().Err() != nil {
				t.Fatal("it is not started again")
			}
		}
	}
}
