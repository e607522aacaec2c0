package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Error is a failure of the database, or of the way to it, as opposed to an error in the data.
type Error struct {
	Err    error  // what happened
	Remedy string // what helps; "" where that is unknown
}

func (e *Error) Error() string {
	said := e.Err.Error()
	if pg := (*pgconn.PgError)(nil); errors.As(e.Err, &pg) && errors.Unwrap(e.Err) == nil {
		said = fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	if e.Remedy == "" {
		return said
	}
	return said + ": " + e.Remedy
}

func (e *Error) Unwrap() error { return e.Err }

var (
	// ErrUnreachable: the database could not be reached.
	ErrUnreachable = errors.New("database unreachable")
	// ErrRefused: the database answers and refuses syncd.
	ErrRefused = errors.New("database refuses the connection")
)

// IsError: the error is a failure of the database, or of the way to it.
func IsError(err error) bool {
	var is *Error
	return errors.As(err, &is) || errors.Is(err, ErrUnreachable)
}

// Failure marks any error from the use of the database as one of the database. Nil stays nil.
func Failure(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err}
}

// Literal is a text of SQL. It needs standard_conforming_strings, which session sets.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// IsCode: Postgres answered with one of these SQLSTATEs.
func IsCode(err error, codes ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(codes, pg.Code)
}

// errLost is the error of a statement whose connection broke.
var errLost = errors.New("the connection to the database was lost")

// cutOff: the server has ended the session, and says why.
func cutOff(err error) bool {
	return IsCode(err, "08P01", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04")
}

// lost marks the error of a statement whose connection broke.
func lost(err error) error {
	if cutOff(err) { // says more
		return err
	}
	return &Error{Err: fmt.Errorf("%w: %w", errLost, err)}
}

// IsLost: a connection broke or was ended, as by a failover, and the next one may work. A pooler whose own connection was ended
// reports an error in the protocol.
func IsLost(err error) bool { return errors.Is(err, errLost) || cutOff(err) || IsCode(err, "08P01") }

// IsAway: the database is not to be had at this moment, and may be later: it could not be reached, a connection broke, or it is starting.
func IsAway(err error) bool { return errors.Is(err, ErrUnreachable) || IsLost(err) }

// FromWorker is the code of what one of Citus' workers refuses of many rows, whatever the reason. Source: Citus, ReportCopyError.
const FromWorker = "XX000"

// isDataError: Postgres refused a value, such as a number out of range, a NUL character in a text, or a row too large for a page; or Citus says
// that a worker did, or anything else.
func isDataError(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch {
	case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "23"): // data exception, integrity
		return true
	case strings.HasPrefix(pg.Code, "54"): // program limit exceeded, such as an index row too large
		return true
	}
	return pg.Code == FromWorker
}

// remedies say what helps, by SQLSTATE or its class. Source: PostgreSQL documentation, appendix A.
var remedies = map[string]string{
	"08P01": "a pooler in between refuses it: let it pool by session or transaction, and leave out of SYNCD_DATABASE_URL what it does not know",
	"25006": "the database takes no writes: name its primary instead of a replica, or have its owner lift default_transaction_read_only",
	"25P03": "this process stood still for too long: see what the machine does, or set another idle_in_transaction_session_timeout for this role",
	"25P04": "raise transaction_timeout for this role",
	"28000": "let pg_hba.conf admit this role from here, correct the role in SYNCD_DATABASE_URL, or change its sslmode",
	"28P01": "correct the password: in SYNCD_DATABASE_URL, in PGPASSWORD, or in the file that PGPASSFILE names (default ~/.pgpass)",
	"3D000": "create the database, or correct its name in SYNCD_DATABASE_URL",
	"42501": "grant the role of SYNCD_DATABASE_URL what it lacks, or make it the owner",
	"42P01": "run `syncd migrate up`",
	"53100": "the disk of the database server is full: make room there",
	"53200": "the database server is out of memory: give it more, or lower its work_mem",
	"53300": "raise max_connections of the server or the role's limit, or lower pool_max_conns in SYNCD_DATABASE_URL",
	"55P03": "somebody holds a lock that is needed: end that session, or raise lock_timeout for this role",
	"57014": "somebody cancelled it, or it took too long: raise statement_timeout for this role",
	"57P01": "the server was stopped, or somebody ended this session",
	"57P02": "the server crashed, and is starting again",
	"57P03": "the server is starting up or shutting down: try again soon",
	"57P05": "raise idle_session_timeout for this role",
	"58030": "the database server cannot read or write its disk: see its log",
	"XX001": "a table or index of the database is damaged: see pg_amcheck, and restore a backup",
	"XX002": "an index of the database is damaged: REINDEX it",
}

// told marks a failure of the database, once, and adds the remedy. Other errors pass unchanged.
func (c *Connections) told(err error) error {
	var is *Error
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &is), errors.Is(err, pgx.ErrNoRows):
		return err
	case errors.As(err, &connect):
		return c.unreachable(connect)
	case errors.As(err, &pg):
		return &Error{Err: err, Remedy: remedies[pg.Code]}
	}
	return err
}

// unreachable says in one line why there is no connection. The library has a line for each address and each way of encryption
// that it tried; an answer of the server says more than a refused connection at another address.
func (conns *Connections) unreachable(err *pgconn.ConnectError) error {
	c := conns.Config().ConnConfig
	where := fmt.Sprintf("%s, database %q, user %q", address(c.Host, c.Port), c.Database, c.User)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		kind, said, remedy := ErrUnreachable, error(&Error{Err: pg}), remedies[pg.Code]
		if pg.Code == "3D000" {
			remedy = "createdb " + c.Database + ", or correct the name in SYNCD_DATABASE_URL"
		}
		// It will not pass by itself.
		if slices.Contains([]string{"22", "28", "3D", "42"}, pg.Code[:2]) {
			kind = ErrRefused
		}
		if IsCode(pg, "08P01", "22023", "42704") && cuttable(conns.Config().ConnString()) {
			said, remedy = errParameter(pg.Code), "correct what SYNCD_DATABASE_URL sets; in a password, a blank must stand in single quotes, and in a URL & must be %26"
		}
		return &Error{Err: fmt.Errorf("%w: %s: %w", kind, where, said), Remedy: remedy}
	}
	kind, cause, remedy := ErrUnreachable, error(oneLine{err}), "check SYNCD_DATABASE_URL, and that the server accepts connections from here"
	var dns *net.DNSError
	switch said := err.Error(); {
	case strings.Contains(said, "x509: "):
		kind, remedy = ErrRefused, "name the certificate's authority in sslrootcert and the host that it is for, or choose another sslmode in SYNCD_DATABASE_URL"
	case strings.Contains(said, "server refused TLS"):
		kind, remedy = ErrRefused, "turn on ssl at the server, or choose another sslmode in SYNCD_DATABASE_URL"
	case errors.As(err, &dns):
		cause, remedy = dns, "correct the host in SYNCD_DATABASE_URL"
	case errors.Is(err, syscall.ECONNREFUSED):
		cause, remedy = syscall.ECONNREFUSED, "start the server, or check SYNCD_DATABASE_URL"
	case errors.Is(err, context.DeadlineExceeded):
		cause = errors.New("no answer in time")
	}
	return &Error{Err: fmt.Errorf("%w: %s: %w", kind, where, cause), Remedy: remedy}
}

// errParameter is a setting in the connection string that the server does not accept. It is not shown: it can be the rest of a
// password that was cut at a blank or an &.
type errParameter string

func (code errParameter) Error() string {
	return "the server does not take a setting that it is given (SQLSTATE " + string(code) + ")"
}

// oneLine is the error of an attempt to connect, without line breaks.
type oneLine struct{ *pgconn.ConnectError }

func (e oneLine) Error() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(e.Unwrap().Error(), "\n", "; ")), " ")
}

// address of a server: a host and its port, or the directory of a socket.
func address(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
