package pg

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/wire"
)

// The first time that a connection runs a statement, it is sent with its values as text, which Postgres takes for whatever type the
// statement needs. So it takes one round trip. From the second time on it is prepared, which takes one more for once: then Postgres
// parses it no more, and values and results are in binary form.

// met names what a connection has run, in its custom data.
const met = "syncd statements"

// isNew tells whether a connection has not run a statement before, and counts it as run from now on.
func isNew(conn *pgx.Conn, sql string) bool {
	about := conn.PgConn().CustomData()
	known, is := about[met].(map[string]struct{})
	if !is {
		known = map[string]struct{}{}
		about[met] = known
	}
	_, again := known[sql]
	known[sql] = struct{}{}
	return !again
}

// asText are values as text, if each has a text form that is the same whatever its type in Postgres is.
func asText(args []any) (texts []any, all bool) {
	texts = make([]any, len(args))
	for i, arg := range args {
		if texts[i], all = textOf(arg); !all {
			return nil, false
		}
	}
	return texts, true
}

func textOf(arg any) (any, bool) {
	switch v := arg.(type) {
	case nil, string, *string, []string, int64, *int64, []int64, float64, *float64, bool, *bool, time.Time, *time.Time, []time.Time:
		return v, true
	case int:
		return int64(v), true
	case uuid.UUID:
		return v.String(), true
	case *uuid.UUID:
		if v == nil {
			return nil, true
		}
		return v.String(), true
	case []uuid.UUID:
		if v == nil {
			return nil, true
		}
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = v[i].String()
		}
		return texts, true
	case json.RawMessage:
		if v == nil {
			return nil, true
		}
		return string(v), true
	}
	return nil, false
}

// once are the arguments of a statement that is run by itself.
func once(conn *pgx.Conn, sql string, args []any) []any {
	texts, all := asText(args)
	if !all || !isNew(conn, sql) {
		return args
	}
	return append([]any{pgx.QueryExecModeExec}, texts...)
}

// transaction is one whose statements go so.
type transaction struct{ pgx.Tx }

func (tx transaction) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return tx.Tx.Exec(ctx, sql, once(tx.Conn(), sql, args)...)
}

func (tx transaction) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return tx.Tx.Query(ctx, sql, once(tx.Conn(), sql, args)...)
}

func (tx transaction) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return tx.Tx.QueryRow(ctx, sql, once(tx.Conn(), sql, args)...)
}

// onceAll is a batch whose values are all sent as text; nil where none of its statements is new, or a value has no such form.
func onceAll(conn *pgx.Conn, statements []statement) (*pgconn.Batch, error) {
	first := false
	for _, s := range statements {
		first = isNew(conn, s.sql) || first
	}
	if !first {
		return nil, nil //nolint:nilnil // they are to be prepared
	}
	all := make([][]any, len(statements))
	for i, s := range statements {
		var is bool
		if all[i], is = asText(s.args); !is {
			return nil, nil //nolint:nilnil // likewise
		}
	}
	var batch pgconn.Batch
	var builder pgx.ExtendedQueryBuilder
	for i, s := range statements {
		if err := builder.Build(conn.TypeMap(), nil, all[i]); err != nil {
			return nil, err
		}
		batch.ExecParams(s.sql, builder.ParamValues, nil, builder.ParamFormats, nil)
	}
	return &batch, nil
}

// sendAll sends statements in one round trip, or in two if some are to be prepared.
func sendAll(ctx context.Context, conn *pgx.Conn, statements []statement) (pgx.BatchResults, error) {
	direct, err := onceAll(conn, statements)
	if err != nil {
		return nil, err
	}
	if direct != nil {
		return texts{results: conn.PgConn().ExecBatch(ctx, direct), types: conn.TypeMap()}, nil
	}
	var batch pgx.Batch
	size := 0
	for _, s := range statements {
		batch.Queue(s.sql, s.args...)
		for _, arg := range s.args {
			switch array := arg.(type) {
			case wire.Array:
				size += array.Size()
			case []uuid.UUID:
				size += 20 * len(array)
			}
		}
	}
	if size > 0 { // and something for all else
		conn.PgConn().Frontend().Send(room(size + size/32 + 1<<12))
	}
	return conn.SendBatch(ctx, &batch), nil
}

// room is a message of no bytes, which has the connection's buffer grow at once to hold what follows. It would grow twenty times for some
// megabytes, and be copied each time.
type room int

func (room) Frontend() {}

func (room) Decode([]byte) error { return nil }

func (r room) Encode(b []byte) ([]byte, error) { return slices.Grow(b, int(r)), nil }

// texts are the results of statements that were sent with their values as text.
type texts struct {
	pgx.BatchResults
	results *pgconn.MultiResultReader
	types   *pgtype.Map
}

func (d texts) next() error {
	if d.results.NextResult() {
		return nil
	}
	if err := d.results.Close(); err != nil {
		return err
	}
	return errors.New("a statement has no result")
}

func (d texts) Exec() (pgconn.CommandTag, error) {
	if err := d.next(); err != nil {
		return pgconn.CommandTag{}, err
	}
	return d.results.ResultReader().Close()
}

func (d texts) Query() (pgx.Rows, error) {
	if err := d.next(); err != nil {
		return failedRows{err: err}, err
	}
	return pgx.RowsFromResultReader(d.types, d.results.ResultReader()), nil
}

func (d texts) Close() error { return d.results.Close() }
