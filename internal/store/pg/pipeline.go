package pg

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pipeline collects statements that are sent together and answered in one round trip. It takes generated queries, as a connection
// does, and other statements by Add.
type Pipeline struct {
	statements []statement
}

type statement struct {
	sql  string
	args []any
	read func(pgx.Rows) error // nil: it gives no rows
	// refused turns the error of a refused value into another one; nil: it stays.
	refused func(error) error
}

// Add queues a statement. read gets its rows; nil: it gives none.
func (p *Pipeline) Add(sql string, args []any, read func(pgx.Rows) error) {
	p.statements = append(p.statements, statement{sql: sql, args: args, read: read})
}

// Exec queues a statement.
func (p *Pipeline) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	p.Add(sql, args, nil)
	return pgconn.CommandTag{}, nil
}

// SendBatch queues the statements of a batch.
func (p *Pipeline) SendBatch(_ context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		p.Add(q.SQL, q.Arguments, nil)
	}
	return queued{}
}

// Query queues a statement whose rows OnRows reads; there are none yet.
func (p *Pipeline) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	p.Add(sql, args, nil)
	return failedRows{err: errQueued}, errQueued
}

// QueryRow queues a statement, likewise.
func (p *Pipeline) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	p.Add(sql, args, nil)
	return scanning(func([]any) error { return errQueued })
}

// OnRows sets who reads the rows of the last queued statement.
func (p *Pipeline) OnRows(read func(pgx.Rows) error) { p.last().read = read }

// Each has a generated query queued, and its rows handed over: Each(&p, do)(q.StreamsList(ctx)).
func Each[R any](p *Pipeline, do func(R)) func([]R, error) {
	return func([]R, error) {
		p.OnRows(func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, rowTo[R]())
			for _, r := range list {
				do(r)
			}
			return err
		})
	}
}

// One has a generated query of one row queued, and that row put down. Without a row the transaction ends with pgx.ErrNoRows.
func One[R any](p *Pipeline, into *R) func(R, error) {
	return func(R, error) {
		p.OnRows(func(rows pgx.Rows) (err error) {
			*into, err = pgx.CollectExactlyOneRow(rows, rowTo[R]())
			return err
		})
	}
}

// rowTo reads a row as what generated queries give: a structure, or the value of its only column.
func rowTo[R any]() pgx.RowToFunc[R] {
	switch of := reflect.TypeFor[R](); {
	case of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]():
		return pgx.RowToStructByPos[R]
	default:
		return pgx.RowTo[R]
	}
}

// OnRefusal sets what becomes of the error if Postgres refuses a value of the last queued statement.
func (p *Pipeline) OnRefusal(as func(error) error) { p.last().refused = as }

// Len is how many statements are queued.
func (p *Pipeline) Len() int { return len(p.statements) }

// Demand makes each statement queued since then a condition on its rows q: where it does not hold, the transaction ends with an error,
// and none of the statements that follow has run. Further arguments of the condition come after those of the statement.
func (p *Pipeline) Demand(since int, condition string, otherwise error, args ...any) {
	for i := range p.statements[since:] {
		s := &p.statements[since+i]
		s.sql = "SELECT 1 / (" + condition + ")::int FROM (" + s.sql + "\n) q" // a division by zero where it does not hold
		s.args = append(slices.Clip(s.args), args...)
		s.read, s.refused = nil, func(err error) error {
			if IsCode(err, "22012") {
				return otherwise
			}
			return err
		}
	}
}

// SQL is the text of the last queued statement.
func (p *Pipeline) SQL() string { return p.last().sql }

func (p *Pipeline) last() *statement { return &p.statements[len(p.statements)-1] }

var errQueued = errors.New("the statement is only queued")

// queued are the results of a batch before it is sent.
type queued struct{ pgx.BatchResults }

func (queued) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, nil }
func (queued) Close() error                     { return nil }

// Steps is a transaction that goes by steps, each of them a pipeline.
type Steps struct {
	conn  *pgx.Conn
	first []string // what goes with the first step: BEGIN and settings
}

// InSteps does work in a transaction, as InTx does. first are statements that go with BEGIN. The last step of the work is Commit;
// without it, nothing is stored.
func (p *Pool) InSteps(ctx context.Context, work func(*Steps) error, first ...string) error {
	return p.inSteps(ctx, "READ COMMITTED", work, first...)
}

// AtOnce makes a transaction of one step. After a conflict its rows are handed over again.
func (p *Pool) AtOnce(ctx context.Context, all *Pipeline) error {
	return p.InSteps(ctx, func(tx *Steps) error { return tx.Commit(ctx, all) })
}

// SnapshotAtOnce answers the questions of a pipeline as of one moment.
func (p *Pool) SnapshotAtOnce(ctx context.Context, all *Pipeline) error {
	return p.inSteps(ctx, "REPEATABLE READ, READ ONLY", func(tx *Steps) error { return tx.Commit(ctx, all) })
}

func (p *Pool) inSteps(ctx context.Context, mode string, work func(*Steps) error, first ...string) error {
	return p.attempt(ctx, func(conn *pgx.Conn) (err error) {
		tx := &Steps{conn, slices.Concat(p.guarded(nil, p.session.begin(mode)), p.session.reach(), first)}
		if p.session.pooled {
			err = tx.begin(ctx)
		}
		if err == nil {
			err = work(tx)
		}
		if !tx.conn.IsClosed() && tx.conn.PgConn().TxStatus() != 'I' {
			if _, failed := tx.conn.Exec(context.WithoutCancel(ctx), "ROLLBACK"); failed != nil {
				err = errors.Join(err, failed, tx.conn.Close(context.WithoutCancel(ctx)))
			}
		}
		return err
	})
}

// InBulk does work that keeps a connection busy, such as the writing of pages, as InSteps does. Where schemas share the connections, it
// takes at most a quarter of them at once. The others are for what is short and cannot wait for long: leases, the shared budget of
// requests, the end of a run.
func (p *Pool) InBulk(ctx context.Context, work func(*Steps) error, first ...string) error {
	if p.bulk != nil {
		if err := p.bulk.Acquire(ctx, 1); err != nil {
			return err
		}
		defer p.bulk.Release(1)
	}
	return p.InSteps(ctx, work, first...)
}

// Through a pooler, begin is a step of its own: statements are described before they run, and a description before the
// transaction has begun does not find the schema.
func (tx *Steps) begin(ctx context.Context) error {
	_, err := tx.conn.Exec(ctx, strings.Join(tx.first, "; "))
	tx.first = nil
	return err
}

// Step sends the statements and reads their answers. See Pipeline.OnRefusal for refused values.
func (tx *Steps) Step(ctx context.Context, p *Pipeline, last ...string) (err error) {
	var all []statement
	for _, sql := range tx.first {
		all = append(all, statement{sql: sql})
	}
	all = append(all, p.statements...)
	for _, sql := range last {
		all = append(all, statement{sql: sql})
	}
	if len(all) == 0 {
		return nil
	}
	tx.first = nil
	results, err := sendAll(ctx, tx.conn, all)
	if err != nil {
		return err
	}
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	for _, s := range all {
		if s.read == nil {
			_, err = results.Exec()
		} else {
			err = read(results, s.read)
		}
		if err != nil && s.refused != nil && isDataError(err) {
			return s.refused(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Commit is the last step. After an error Postgres skips the rest of a step, also COMMIT.
func (tx *Steps) Commit(ctx context.Context, p *Pipeline) error { return tx.Step(ctx, p, "COMMIT") }

func read(results pgx.BatchResults, each func(pgx.Rows) error) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := each(rows); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
