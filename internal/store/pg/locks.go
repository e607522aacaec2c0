package pg

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lockAfter is how long a lock is waited for before the log tells who holds it.
const lockAfter = 5 * time.Second

// held is a connection that is in use.
type held struct {
	*pgxpool.Conn
	since time.Time
	log   *slog.Logger // of the pool that uses it
	locks *locks
}

// Release gives it back.
func (h *held) Release() {
	h.locks.mu.Lock()
	delete(h.locks.held, h)
	h.locks.mu.Unlock()
	h.Conn.Release()
}

// locks logs, once per wait, who holds a lock that this process waits for. It asks Postgres only while a connection has been in
// use for long, on a connection of its own: those of the pool may all be waiting.
type locks struct {
	conns *Connections
	after time.Duration
	stop  context.CancelFunc
	done  chan struct{}

	mu   sync.Mutex
	held map[*held]struct{}
}

func (l *locks) hold(conn *pgxpool.Conn, log *slog.Logger) *held {
	h := &held{conn, time.Now(), log, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[h] = struct{}{}
	return h
}

// watch runs until close.
func (l *locks) watch() {
	ctx, stop := context.WithCancel(context.Background())
	l.stop, l.done = stop, make(chan struct{})
	go func() {
		defer close(l.done)
		tick := time.NewTicker(l.after / 2)
		defer tick.Stop()
		told := map[wait]bool{}
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			ours, long := l.inUse()
			if !long {
				clear(told)
				continue
			}
			if err := l.look(ctx, ours, told); err != nil && ctx.Err() == nil {
				l.conns.log.DebugContext(ctx, "who holds a lock cannot be told", "error", l.conns.told(err))
			}
		}
	}()
}

func (l *locks) close() {
	if l.stop != nil {
		l.stop()
		<-l.done
	}
}

// inUse gives the server processes that work for this process, each with the log of whom it works for; long: one has done so for long.
func (l *locks) inUse() (ours map[int32]*slog.Logger, long bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ours = make(map[int32]*slog.Logger, len(l.held))
	for h := range l.held {
		ours[int32(h.Conn.Conn().PgConn().PID())] = h.log
		long = long || time.Since(h.since) >= l.after
	}
	return ours, long
}

// wait is one wait of one server process.
type wait struct {
	PID   int32
	Since time.Time
}

// look asks who holds the locks that this process waits for. Through a pooler, server processes are known only by the name of the
// application. Postgres shows everybody the process, the role and the application of other roles; what they do and since when, it
// shows only to members of pg_read_all_stats. Their statements are not logged: they can hold passwords.
func (l *locks) look(ctx context.Context, ours map[int32]*slog.Logger, told map[wait]bool) error {
	ctx, cancel := context.WithTimeout(ctx, lockAfter)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.conns.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // it was read from
	if err := l.conns.base.prepare(ctx, conn); err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: l.conns.base.begin("READ COMMITTED")}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT w.pid, l.waitstart, left(regexp_replace(w.query, '\s+', ' ', 'g'), 200), l.mode, COALESCE(l.relation::regclass::text, CASE l.locktype WHEN 'transactionid' THEN 'a row' ELSE l.locktype END),
			       holder.pid, COALESCE(h.usename::text, ''), COALESCE(h.application_name, ''), COALESCE(h.state, ''), h.query_start
			FROM pg_stat_activity w
			JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted
			CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS holder (pid)
			LEFT JOIN pg_stat_activity h ON h.pid = holder.pid
			WHERE (w.pid = ANY($1) OR $2 AND w.datname = current_database() AND w.usename = current_user AND w.application_name = current_setting('application_name'))
			  AND l.waitstart <= clock_timestamp() - make_interval(secs => $3) AND holder.pid <> ALL($1)
			ORDER BY l.waitstart`, slices.Collect(maps.Keys(ours)), l.conns.base.pooled, l.after.Seconds())
		if err != nil {
			return err
		}
		var w wait
		var holder int32
		var statement, mode, on, user, application, state string
		var began *time.Time
		now := map[wait]bool{}
		_, err = pgx.ForEachRow(rows, []any{&w.PID, &w.Since, &statement, &mode, &on, &holder, &user, &application, &state, &began}, func() error {
			now[w] = true
			if told[w] {
				return nil
			}
			attrs := []any{"on", on, "mode", mode, "waiting_since", w.Since.UTC(), "waiting_pid", w.PID, "waiting", statement,
				"holder_pid", holder, "holder_user", user, "holder_application", application}
			if began != nil {
				attrs = append(attrs, "holder_state", state, "holder_query_start", began.UTC())
			}
			cmp.Or(ours[w.PID], l.conns.log).WarnContext(ctx, "waiting for a lock that another session holds", attrs...)
			return nil
		})
		clear(told)
		for w := range now {
			told[w] = true
		}
		return err
	})
}
