package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pool is the pool of connections as syncd uses it for one schema. Every statement finds the settings that it needs; through a pooler
// it has a transaction of its own for that. Failures are returned as an *Error.
//
// Acquire returns a bare connection: through a pooler it has none of the settings, and one that is shared has any search_path.
type Pool struct {
	*Connections
	session session
	log     *slog.Logger
	guard   string // see Config; only of a pool whose connections are shared
}

// Querier is whatever answers statements: a Pool, a connection, a transaction.
type Querier interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// newPool makes the pool of a schema.
func newPool(ctx context.Context, c *Connections, schema string, log *slog.Logger) (*Pool, error) {
	p := &Pool{Connections: c, session: session{schema, c.base.pooled, c.base.spread}, log: log}
	conn, err := p.acquire(ctx)
	if err != nil {
		return nil, p.told(err)
	}
	conn.Release()
	return p, nil
}

// IsShared: other pools use the same connections, which outlive it.
func (p *Pool) IsShared() bool { return p.base.schema == "" }

// Close waits for the connections in use, and ends all of them, unless they are shared.
func (p *Pool) Close() {
	if !p.IsShared() {
		p.Connections.Close()
	}
}

const (
	// repeats bounds how often a transaction is repeated. Conflicts pass in milliseconds. With the pauses, it takes about ten
	// seconds until one is considered lasting.
	repeats = 16
	// fullFor bounds the wait for a connection when the server has none free.
	fullFor = 5 * time.Minute
)

// acquire takes a connection. It waits if the server has none free, or is just starting.
func (p *Pool) acquire(ctx context.Context) (*held, error) {
	begun := time.Now()
	for n := 0; ; n++ {
		conn, err := p.Acquire(ctx)
		if err == nil {
			h := p.locks.hold(conn, p.log)
			if err = p.session.take(ctx, conn.Conn()); err == nil {
				return h, nil
			}
			h.Release()
		}
		if !IsCode(err, "53300", "57P03") || time.Since(begun) > fullFor {
			return nil, err
		}
		if n == 0 {
			p.log.WarnContext(ctx, "waiting for a connection to the database", "error", p.told(err))
		}
		if err := pause(ctx, n); err != nil {
			return nil, err
		}
	}
}

// pause waits before the n-th repetition: longer each time, up to about a second, and with a random part, so that the parties of
// a conflict do not meet again.
func pause(ctx context.Context, n int) error {
	most := min(time.Second, 10*time.Millisecond<<min(n, 10))
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again does work, and repeats it when Postgres ended it because of a conflict: deadlocks and serialization failures pass when
// the work starts anew.
func again(ctx context.Context, work func() error) error {
	for n := 0; ; n++ {
		err := work()
		if !IsCode(err, "40001", "40P01") || n == repeats {
			return err
		}
		if ctx.Err() != nil || pause(ctx, n) != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// InTx does work in a transaction. It repeats the work as a whole when Postgres ended it because of a conflict, so the work may
// change nothing outside the database. first are statements that go with BEGIN, in the same round trip.
func (p *Pool) InTx(ctx context.Context, work func(pgx.Tx) error, first ...string) error {
	return p.transact(ctx, "READ COMMITTED", work, p.guarded(first)...)
}

// Snapshot does read-only work as of one moment.
func (p *Pool) Snapshot(ctx context.Context, work func(pgx.Tx) error) error {
	return p.transact(ctx, "REPEATABLE READ, READ ONLY", work)
}

func (p *Pool) transact(ctx context.Context, mode string, work func(pgx.Tx) error, first ...string) error {
	begin := strings.Join(append([]string{p.session.begin(mode)}, first...), "; ")
	return p.attempt(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
			var reach pgx.Batch
			for _, sql := range p.session.reach() {
				reach.Queue(sql)
			}
			if reach.Len() > 0 {
				if err := tx.SendBatch(ctx, &reach).Close(); err != nil {
					return err
				}
			}
			return work(transaction{tx})
		})
	})
}

// attempt makes a transaction on a connection, and repeats it as a whole when Postgres ended it because of a conflict.
func (p *Pool) attempt(ctx context.Context, work func(*pgx.Conn) error) error {
	return p.told(again(ctx, func() error {
		conn, err := p.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		err = work(conn.Conn.Conn())
		if err != nil && ctx.Err() == nil && conn.Conn.Conn().IsClosed() && !IsCode(err, Refused) { // pgx ends the connection if BEGIN fails
			err = lost(err)
		}
		return err
	}))
}

// Refused is the code with which a guard fails.
const Refused = "SYNCD"

// guarded puts the guard behind BEGIN, in front of the other statements that go with it.
func (p *Pool) guarded(others []string, begin ...string) []string {
	if p.guard == "" {
		return append(begin, others...)
	}
	return append(append(begin, p.guard), others...)
}

// loan is a connection for one statement. Through a pooler the statement has a transaction of its own. With a guard it is sent together
// with that: what is sent together, without BEGIN, is one transaction.
type loan struct {
	*held
	tx      pgx.Tx
	guarded pgx.BatchResults // nil: there is no guard, or tx has it
}

// send sends the statement behind the guard.
func (l *loan) send(ctx context.Context, guard, sql string, args []any) error {
	var b pgx.Batch
	b.Queue(guard)
	b.Queue(sql, args...)
	l.guarded = l.SendBatch(ctx, &b)
	_, err := l.guarded.Exec()
	return err
}

func (p *Pool) borrow(ctx context.Context) (loan, error) {
	conn, err := p.acquire(ctx)
	if err != nil || !p.session.pooled {
		return loan{held: conn}, err
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: strings.Join(p.guarded(nil, p.session.begin("READ COMMITTED")), "; ")})
	if err != nil {
		return loan{}, loan{held: conn}.end(ctx, err)
	}
	return loan{held: conn, tx: transaction{tx}}, nil
}

// end returns the connection, and commits the statement.
func (l loan) end(ctx context.Context, err error) error {
	defer l.Release()
	if l.guarded != nil {
		if closed := l.guarded.Close(); err == nil {
			err = closed
		}
	}
	if err == nil && l.tx != nil {
		err, l.tx = l.tx.Commit(ctx), nil
	}
	if err != nil && ctx.Err() == nil && l.Conn.Conn().IsClosed() {
		return lost(err)
	}
	if l.tx != nil {
		_ = l.tx.Rollback(ctx) // if this fails, the connection is closed, which rolls back too
	}
	return err
}

// Exec runs a statement that gives no rows.
func (p *Pool) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = again(ctx, func() error {
		l, err := p.borrow(ctx)
		if err != nil {
			return err
		}
		switch {
		case l.tx != nil:
			tag, err = l.tx.Exec(ctx, sql, args...)
		case p.guard != "":
			if err = l.send(ctx, p.guard, sql, args); err == nil {
				tag, err = l.guarded.Exec()
			}
		default:
			tag, err = l.Exec(ctx, sql, once(l.Conn.Conn(), sql, args)...)
		}
		return l.end(ctx, err)
	})
	return tag, p.told(err)
}

// Query runs a statement. The rows must be closed, or read to their end.
func (p *Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	l, err := p.borrow(ctx)
	if err != nil {
		return failedRows{err: p.told(err)}, p.told(err)
	}
	r := &rows{ctx: ctx, pool: p}
	switch {
	case l.tx != nil:
		r.Rows, err = l.tx.Query(ctx, sql, args...)
	case p.guard != "":
		if err = l.send(ctx, p.guard, sql, args); err == nil {
			r.Rows, err = l.guarded.Query()
		}
	default:
		r.Rows, err = l.Query(ctx, sql, once(l.Conn.Conn(), sql, args)...)
	}
	if r.loan = l; r.Rows == nil {
		r.Rows = failedRows{err: err}
	}
	if err != nil {
		r.Close()
		return r, r.err
	}
	return r, nil
}

// QueryRow runs a statement for one row; it runs when that row is scanned.
func (p *Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return scanning(func(dest []any) error {
		return p.told(again(ctx, func() error {
			rows, err := p.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			if rows.Next() {
				if err := rows.Scan(dest...); err != nil {
					return err
				}
				rows.Close()
				return rows.Err()
			}
			if err := rows.Err(); err != nil {
				return err
			}
			return pgx.ErrNoRows
		}))
	})
}

type scanning func(dest []any) error

func (r scanning) Scan(dest ...any) error { return r(dest) }

// rows ends its loan when it is closed.
type rows struct {
	pgx.Rows
	ctx  context.Context
	loan loan
	pool *Pool
	done bool
	err  error
}

func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *rows) Close() {
	r.Rows.Close()
	if !r.done {
		r.done = true
		r.err = r.pool.told(r.loan.end(r.ctx, r.Rows.Err()))
	}
}

func (r *rows) Err() error {
	if r.done {
		return r.err
	}
	return r.pool.told(r.Rows.Err())
}

// failedRows are the rows of a statement that was never sent.
type failedRows struct {
	pgx.Rows
	err error
}

func (failedRows) Close()              {}
func (failedRows) Next() bool          { return false }
func (f failedRows) Err() error        { return f.err }
func (f failedRows) Scan(...any) error { return f.err }

// SendBatch exists because sqlc needs it. Writes of a batch belong together, so use a transaction.
func (p *Pool) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults {
	return noBatch{err: errors.New("a batch of statements needs a transaction")}
}

type noBatch struct {
	pgx.BatchResults
	err error
}

func (b noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b noBatch) Query() (pgx.Rows, error)         { return failedRows{err: b.err}, b.err }
func (b noBatch) QueryRow() pgx.Row                { return scanning(func([]any) error { return b.err }) }
func (b noBatch) Close() error                     { return b.err }

// Begin always fails: use InTx, which repeats a transaction after a conflict.
func (p *Pool) Begin(context.Context) (pgx.Tx, error) {
	return nil, fmt.Errorf("begin a transaction: %w", errors.ErrUnsupported)
}

// BeginTx always fails, likewise.
func (p *Pool) BeginTx(ctx context.Context, _ pgx.TxOptions) (pgx.Tx, error) { return p.Begin(ctx) }
