package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// answer is what every tool that reads rows returns.
type answer struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
	Limit   string   `json:"limit,omitempty"`       // why rows are missing at the end
	Next    string   `json:"next_cursor,omitempty"` // to go on with
	About   about    `json:"about"`
}

// read runs one SELECT and returns at most so many of its rows.
func (s *Server) read(ctx context.Context, sql string, rows int) (a answer, err error) {
	sql = strings.TrimRight(sql, "; \t\r\n")
	if sql == "" {
		return a, errors.New("the statement is empty")
	}
	list, err := names(sql)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout+s.cfg.Timeout/2) // if statement_timeout does not hold
	defer cancel()
	verdicts, err := s.verdicts(ctx) // before the rows are read: never newer than they are
	if err != nil {
		return a, err
	}
	err = s.cfg.Pool.Snapshot(ctx, func(tx pgx.Tx) error {
		c, err := s.schema(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.check(list); err != nil {
			return err
		}
		used, err := c.used(ctx, tx, list)
		if err != nil {
			return err
		}
		a.About = verdicts.about(s.cfg.Streams, used)
		if _, err := tx.Exec(ctx, s.limits(), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		a.Columns, a.Rows, a.Limit, err = s.fetch(ctx, tx, sql, rows)
		return err
	})
	return a, s.explain(err)
}

// limits are the settings of the transaction.
func (s *Server) limits() string {
	return strings.Join([]string{
		fmt.Sprintf("SET LOCAL statement_timeout TO %d", s.cfg.Timeout.Milliseconds()),
		fmt.Sprintf("SET LOCAL lock_timeout TO %d", s.cfg.Timeout.Milliseconds()),
		"SET LOCAL standard_conforming_strings TO on",
		"SET LOCAL timezone TO 'UTC'",
		"SET LOCAL search_path TO " + pgx.Identifier{s.reads}.Sanitize() + ", pg_temp",
	}, "; ")
}

// longest is the longest message that pgx takes by default.
const longest = 1<<30 - 1

// inMemory bounds what the function of a reader keeps of an answer, in lengths of the answer. No value is so many times as long as its text: a name
// of one letter takes 64 bytes. So the function never stops before the answer does.
const inMemory = 256

// open begins to read a statement: by the function of the reader, or by a cursor. As many rows are read as an answer has, and one more. Postgres
// takes one statement for a cursor, and nothing but a SELECT that does not write. ExecParams is the extended protocol, which takes one, too.
func (s *Server) open(ctx context.Context, tx pgx.Tx, sql string, most int) (result *pgconn.ResultReader, columns []string, err error) {
	conn, cursor := tx.Conn().PgConn(), "DECLARE answer NO SCROLL CURSOR FOR "+sql
	if s.runner == "" {
		if _, err := conn.ExecParams(ctx, cursor, nil, nil, nil, nil).Close(); err != nil {
			return nil, nil, err
		}
		return conn.ExecParams(ctx, fmt.Sprintf("FETCH FORWARD %d FROM answer", most+1), nil, nil, nil, nil), nil, nil
	}
	if _, err := conn.Prepare(ctx, "", cursor, nil); err != nil { // which runs nothing
		return nil, nil, err
	}
	described, err := conn.Prepare(ctx, "", sql, nil)
	if err != nil {
		return nil, nil, err
	}
	types := make([]uint32, len(described.Fields))
	for i, f := range described.Fields {
		types[i], columns = f.DataTypeOID, append(columns, f.Name)
	}
	var definitions string
	err = tx.QueryRow(ctx, "SELECT COALESCE(string_agg(format('c%s %s', n, format_type(of, NULL)), ', ' ORDER BY n), '') FROM unnest($1::oid[]) WITH ORDINALITY t (of, n)", types).Scan(&definitions)
	if err != nil {
		return nil, nil, err
	}
	if definitions == "" {
		return nil, nil, errors.New("the statement has no columns")
	}
	call := fmt.Sprintf("SELECT * FROM %s($1, $2, $3) AS answer (%s)", s.runner, definitions)
	return conn.ExecParams(ctx, call, [][]byte{[]byte(sql), []byte(strconv.Itoa(most + 1)), []byte(strconv.Itoa(inMemory * s.cfg.MaxBytes))}, nil, nil, nil), columns, nil
}

// fetch reads a statement as far as an answer goes.
func (s *Server) fetch(ctx context.Context, tx pgx.Tx, sql string, most int) (columns []string, rows [][]any, limit string, err error) {
	result, columns, err := s.open(ctx, tx, sql, most)
	if err != nil {
		return nil, nil, "", err
	}
	front := tx.Conn().PgConn().Frontend()
	front.SetMaxBodyLen(s.cfg.MaxBytes) // a longer row ends the connection
	defer front.SetMaxBodyLen(longest)
	rows = [][]any{}
	size := 0
	for result.NextRow() {
		if limit != "" {
			continue
		}
		for _, value := range result.Values() {
			size += len(value)
		}
		if size > s.cfg.MaxBytes {
			limit = fmt.Sprintf("stopped after %d rows, at %d bytes: name fewer columns, add LIMIT or aggregate", len(rows), s.cfg.MaxBytes)
			continue
		}
		if len(rows) == most {
			limit = fmt.Sprintf("stopped after %d rows: add LIMIT or aggregate", most)
			continue
		}
		row := make([]any, len(result.Values()))
		for i, value := range result.Values() {
			row[i] = shown(result.FieldDescriptions()[i].DataTypeOID, value)
		}
		rows = append(rows, row)
	}
	if columns == nil {
		columns = []string{}
		for _, f := range result.FieldDescriptions() {
			columns = append(columns, f.Name)
		}
	}
	_, err = result.Close()
	return columns, rows, limit, err
}

var numbers = []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID, pgtype.JSONOID, pgtype.JSONBOID}

// shown is a value as JSON: numbers keep every digit.
func shown(oid uint32, value []byte) any {
	switch {
	case value == nil:
		return nil
	case oid == pgtype.BoolOID:
		return value[0] == 't'
	case slices.Contains(numbers, oid) && json.Valid(value):
		return json.RawMessage(slices.Clone(value))
	default:
		return string(value)
	}
}

// explain says what an assistant can do about an error.
func (s *Server) explain(err error) error {
	var pe *pgconn.PgError
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case err == nil:
		return nil
	case errors.As(err, &long):
		return fmt.Errorf("a row has more than %d bytes: name fewer columns or shorten them", s.cfg.MaxBytes)
	case !errors.As(err, &pe):
		if errors.Is(err, context.DeadlineExceeded) {
			return s.tooLong()
		}
		return err
	case pe.Code == "57014": // query_canceled
		return s.tooLong()
	case pe.Code == "42601" && strings.Contains(pe.Message, "multiple commands"):
		return errors.New("one statement at a time")
	case pe.Code == "42601", pe.Code == "25006":
		return fmt.Errorf("only a SELECT can be run, and nothing that writes: %s", pe.Message)
	case pe.Code == "42501":
		return fmt.Errorf("%s: the role of this server may not read it", pe.Message)
	case pe.Code == "42883" && !s.cfg.PersonalData: // undefined_function
		return fmt.Errorf("%s (functions that give personal data are there only with --personal-data)", pe.Message)
	default:
		return errors.New(strings.TrimSpace(pe.Message + " " + pe.Hint))
	}
}

func (s *Server) tooLong() error {
	return fmt.Errorf("stopped after %s: ask for less, such as a shorter range of days", s.cfg.Timeout)
}
