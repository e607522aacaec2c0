package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
		if err := c.check(list, s.cfg.PersonalData); err != nil {
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
		a.Columns, a.Rows, a.Limit, err = s.fetch(ctx, tx.Conn().PgConn(), c.hiding(list, sql, s.cfg.PersonalData), rows)
		return err
	})
	return a, s.explain(err)
}

// limits are the settings of the transaction. The role comes last: it may have no right to the rest.
func (s *Server) limits() string {
	set := []string{
		fmt.Sprintf("SET LOCAL statement_timeout TO %d", s.cfg.Timeout.Milliseconds()),
		fmt.Sprintf("SET LOCAL lock_timeout TO %d", s.cfg.Timeout.Milliseconds()),
		"SET LOCAL standard_conforming_strings TO on",
		"SET LOCAL timezone TO 'UTC'",
		"SET LOCAL search_path TO " + pgx.Identifier{s.cfg.Schema}.Sanitize() + ", pg_temp",
	}
	if s.cfg.Role != "" {
		set = append(set, "SET LOCAL ROLE "+pgx.Identifier{s.cfg.Role}.Sanitize())
	}
	return strings.Join(set, "; ")
}

// longest is the longest message that pgx takes by default.
const longest = 1<<30 - 1

// fetch makes a cursor of the statement and reads from it. ExecParams is the extended protocol also where there are no parameters.
func (s *Server) fetch(ctx context.Context, conn *pgconn.PgConn, sql string, most int) (columns []string, rows [][]any, limit string, err error) {
	conn.Frontend().SetMaxBodyLen(s.cfg.MaxBytes) // a longer row ends the connection
	defer conn.Frontend().SetMaxBodyLen(longest)
	if _, err := conn.ExecParams(ctx, "DECLARE answer NO SCROLL CURSOR FOR "+sql, nil, nil, nil, nil).Close(); err != nil {
		return nil, nil, "", err
	}
	rows = [][]any{}
	result := conn.ExecParams(ctx, fmt.Sprintf("FETCH FORWARD %d FROM answer", most+1), nil, nil, nil, nil)
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
	for _, f := range result.FieldDescriptions() {
		columns = append(columns, f.Name)
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
	case pe.Code == "42703" && !s.cfg.PersonalData:
		return fmt.Errorf("%s (describe_table lists the columns; those of personal data are left out unless syncd mcp runs with --personal-data)", pe.Message)
	default:
		return errors.New(strings.TrimSpace(pe.Message + " " + pe.Hint))
	}
}

func (s *Server) tooLong() error {
	return fmt.Errorf("stopped after %s: ask for less, such as a shorter range of days", s.cfg.Timeout)
}
