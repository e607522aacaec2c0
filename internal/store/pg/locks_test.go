package pg_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store/pg"
)

// Who holds a lock that syncd waits for is told once, to a role without special rights, directly and through a pooler.
func TestLockOfAnotherSession(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, mode := range []string{"", "transaction"} {
		t.Run("pooler "+mode, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Empty(t)
			admin := pgtest.Connect(t, dsn)
			name, roleDSN := pgtest.NewRole(t, admin, "")
			pgtest.Exec(t, admin, "CREATE SCHEMA polar AUTHORIZATION "+name, "CREATE SCHEMA polar_sync AUTHORIZATION "+name)
			if mode != "" {
				roleDSN = pgtest.Pooler(t, roleDSN, mode)
			}
			log, lines := watched()
			p, err := pg.Open(t.Context(), pg.Config{DSN: roleDSN, Schema: "polar", Log: log, LockAfter: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, err := p.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, admin, "BEGIN", "LOCK TABLE polar.customers, polar_sync.sync_meta IN ACCESS EXCLUSIVE MODE")
			errs := make(chan error, 2)
			count := func(table string) { _, err := p.Exec(t.Context(), "SELECT count(*) FROM "+table); errs <- err }
			go count("customers")
			first := await(t, lines, "waiting for a lock")
			pid := strconv.Itoa(int(admin.PgConn().PID()))
			if first["holder_pid"] != pid || first["holder_user"] != admin.Config().User || first["on"] != "customers" || !strings.Contains(first["waiting"], "SELECT") {
				t.Errorf("%v; the lock is held by %s", first, pid)
			}
			go count("sync_meta")
			second := await(t, lines, "waiting for a lock")
			if second["on"] != "sync_meta" || second["holder_pid"] != pid {
				t.Errorf("%v: the first wait is told again, or another", second)
			}
			pgtest.Exec(t, admin, "COMMIT")
			for range 2 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// watched is a log whose lines can be waited for.
func watched() (*slog.Logger, <-chan slog.Record) {
	lines := make(chan slog.Record, 1000)
	return slog.New(lineHandler{lines}), lines
}

type lineHandler struct{ lines chan slog.Record }

func (h lineHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h lineHandler) WithGroup(string) slog.Handler            { return h }
func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	select {
	case h.lines <- r:
	default: // nobody reads any more
	}
	return nil
}

// await reads lines until one has the words in it, and gives its attributes.
func await(t *testing.T, lines <-chan slog.Record, words string) map[string]string {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case r := <-lines:
			if !strings.Contains(r.Message, words) {
				continue
			}
			attrs := map[string]string{}
			r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.String(); return true })
			return attrs
		case <-late:
			t.Fatalf("waited a minute in vain for a line that says %q", words)
		}
	}
}
