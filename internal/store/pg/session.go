package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// needs are the settings that syncd's SQL and the reading of its results depend on, each as SHOW prints it. A role or a database
// can have other defaults (ALTER ROLE ... SET). Limits such as statement_timeout, and the default_transaction_read_only of a
// frozen database, are not among them: they belong to whoever set them.
var needs = []setting{
	{"client_encoding", "UTF8"},
	{"standard_conforming_strings", "on"},
	{"TimeZone", "UTC"},
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	// With this, a policy that hides rows makes a statement fail; otherwise the rows would look missing.
	{"row_security", "off"},
	{"default_transaction_isolation", "read committed"},
	// Postgres takes the tables of a new schema for large and compiles statements that look expensive: up to a second for a
	// statement that runs a millisecond.
	{"jit", "off"},
}

// stillFor is how long a transaction may wait for its process.
const stillFor = "30s"

type setting struct{ name, value string }

// session prepares connections for syncd.
type session struct {
	schema string // "": that of whoever takes the connection
	// pooled: a pooler stands between this process and Postgres. It may run each transaction on another server connection, and
	// give a server connection to other clients. So no state is left in the session, and none is expected.
	pooled bool
	// spread: the server coordinates others, in which the tables may be. They do not see the settings of the session.
	spread bool
}

// errPooler: the connection leads to a pooler, but the pool was made for Postgres itself. Open then makes another pool.
var errPooler error = &Error{Err: errors.New("the address leads to a pooler, and has led to Postgres itself"), Remedy: "start syncd again"}

// oldest is the first version of Postgres with everything that the migrations use: functions with an SQL-standard body.
const oldest = 14

// set is the SQL that sets the needed settings, for the session (in a DO block) or (LOCAL) for the transaction. It is plain ASCII:
// Postgres reads the whole message in its former encoding.
//
// The search_path has only the two schemas: an unqualified name must never find a table of that name in another one. What is made
// goes to the first. pg_temp comes first unless it is named, and a pooled session may hold temporary tables of other clients.
// Source: PostgreSQL documentation, search_path.
func (s session) set(scope string) string {
	var b strings.Builder
	for _, n := range needs {
		fmt.Fprintf(&b, "SET %s %s TO '%s'; ", scope, n.name, n.value)
	}
	// Unless somebody has set a limit: a process that stands still in a transaction, or a machine that is gone without a word, would keep its
	// rows locked, and whoever takes its work over would wait for them.
	local, call := scope == "LOCAL", "SELECT"
	if !local {
		call = "PERFORM"
	}
	fmt.Fprintf(&b, "%s set_config('idle_in_transaction_session_timeout', '%s', %t) WHERE current_setting('idle_in_transaction_session_timeout') = '0'; ", call, stillFor, local)
	if s.schema != "" {
		fmt.Fprintf(&b, "SET %s search_path TO %s", scope, s.path())
	}
	return b.String()
}

// path is the search_path.
func (s session) path() string {
	return asciiIdentifier(s.schema) + ", " + asciiIdentifier(s.bookkeeping()) + ", pg_temp"
}

// bookkeepingSuffix follows the name of the schema of the data in that of the bookkeeping. Migration 50 has it, too.
const bookkeepingSuffix = "_sync"

// Bookkeeping names the schema of what syncd keeps for itself beside a schema of data: readers of the data need no right to it.
func Bookkeeping(schema string) string { return schema + bookkeepingSuffix }

func (s session) bookkeeping() string { return Bookkeeping(s.schema) }

// asciiIdentifier quotes a name without a character beyond ASCII, and without a dollar sign.
func asciiIdentifier(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '"', r == '\\':
			b.WriteRune(r)
			b.WriteRune(r)
		case r < 0x80 && r != '$': // which would end a quoted body
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\+%06X`, r)
		}
	}
	return `U&"` + b.String() + `"`
}

// begin is the statement that begins a transaction, with the needed settings if the session does not have them.
func (s session) begin(mode string) string {
	begin := "BEGIN ISOLATION LEVEL " + mode
	if s.pooled {
		begin += "; " + s.set("LOCAL")
	}
	return begin
}

// reach are the statements after the beginning of a transaction by which other servers get what triggers depend on. Each is sent alone: with a
// setting, they get all that came with it. Source: Citus, citus.propagate_set_commands.
func (s session) reach() []string {
	if !s.spread || s.schema == "" {
		return nil
	}
	return []string{"SET LOCAL citus.propagate_set_commands TO 'local'", "SET LOCAL TimeZone TO 'UTC'", "SET LOCAL search_path TO " + s.path(), "SET LOCAL citus.propagate_set_commands TO 'none'"}
}

// prepare makes a new connection ready, and verifies that it is.
func (s session) prepare(ctx context.Context, conn *pgx.Conn) error {
	err := s.ready(ctx, conn)
	if err != nil && ctx.Err() == nil && conn.IsClosed() {
		return lost(err)
	}
	return err
}

func (s session) ready(ctx context.Context, conn *pgx.Conn) error {
	// The version comes with the connection's start, so that an old server gets no statement at all.
	version := conn.PgConn().ParameterStatus("server_version")
	if major, err := strconv.Atoi(version[:digits(version)]); err == nil && major < oldest {
		return &Error{Err: fmt.Errorf("the server is Postgres %s", version), Remedy: fmt.Sprintf("syncd needs Postgres %d or newer", oldest)}
	}
	registerUUID(conn.TypeMap())
	registerArrays(conn.TypeMap())
	if s.pooled {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: s.begin("READ COMMITTED")}, func(tx pgx.Tx) error {
			var p Pipeline
			verified := s.verify(conn, &p, nil)
			if err := (&Steps{conn: conn}).Step(ctx, &p); err != nil {
				return err
			}
			return verified()
		})
	}
	// A pooler does not reveal the process ids of its server connections: to pass on cancellations, it gives each client a number
	// of its own. Nothing is set where they differ, since other clients of the pooler would inherit the settings.
	var p Pipeline
	var pid uint32
	p.Add(fmt.Sprintf("DO $$ BEGIN IF pg_backend_pid() = %d THEN %s; END IF; END $$", conn.PgConn().PID(), strings.TrimSuffix(s.set("SESSION"), "; ")), nil, nil)
	verified := s.verify(conn, &p, &pid)
	if err := (&Steps{conn: conn}).Step(ctx, &p); err != nil {
		return err
	}
	if pid != conn.PgConn().PID() {
		return errPooler
	}
	use(conn, s.schema)
	return verified()
}

func digits(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		return len(s)
	}
	return n
}

// verify queues the question whether the connection has the settings, and whether the database can hold what Polar sends. It notes what
// kind of server answers. pid gets the process at the other end; nil: it does not matter.
func (s session) verify(conn *pgx.Conn, p *Pipeline, pid *uint32) (verified func() error) {
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = "current_setting('" + n.name + "')"
	}
	var process uint32
	var encoding, database, usedSchema string
	var got []string
	var spread bool
	p.Add(`
		SELECT current_setting('citus.version', true) IS NOT NULL, pg_backend_pid(), current_setting('server_encoding'), current_database()::text, ARRAY[`+strings.Join(names, ", ")+`],
		       COALESCE((SELECT CASE WHEN has_schema_privilege(oid, 'USAGE') THEN current_schema()::text END FROM pg_namespace WHERE nspname = $1), $1)`,
		[]any{s.schema}, func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&spread, &process, &encoding, &database, &got, &usedSchema}, func() error { return nil })
			if pid != nil {
				*pid = process
			}
			if spread {
				conn.PgConn().CustomData()[coordinates] = true
			}
			return err
		})
	return func() error { return s.judge(encoding, database, usedSchema, got) }
}

// judge checks the answer.
func (s session) judge(encoding, database, usedSchema string, got []string) error {
	if encoding != "UTF8" {
		return &Error{
			Err:    fmt.Errorf("database %q has the encoding %s, which cannot hold every name that Polar sends", database, encoding),
			Remedy: "use one with the encoding UTF8 (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0)",
		}
	}
	for i, n := range needs {
		if got[i] != n.value {
			return unkept(n.name, got[i], n.value)
		}
	}
	if s.schema != "" && usedSchema != s.schema {
		return unkept("current_schema", usedSchema, s.schema)
	}
	return nil
}

func unkept(name, is, want string) error {
	return &Error{Err: fmt.Errorf("%s is %q after it was set to %q", name, is, want), Remedy: "what stands between syncd and Postgres does not keep settings: name the address of Postgres itself"}
}
