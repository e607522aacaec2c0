package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"
)

// Connections are connections to one database. Those of one schema have its search_path from their beginning. Those that the pools of
// many schemas share get it from whoever takes them: Postgres plans a prepared statement anew when the search_path has changed, so a
// statement never finds the tables of the schema before. Source: PostgreSQL documentation, PREPARE, notes.
type Connections struct {
	*pgxpool.Pool
	base  session
	locks *locks
	log   *slog.Logger
	bulk  *semaphore.Weighted // see InBulk; nil = no bound
}

// Share makes connections that the pools of many schemas can use, and the first of them.
func Share(ctx context.Context, c Config) (*Connections, error) {
	c.Schema = ""
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	conns, err := connect(ctx, c)
	if err == nil {
		conns.bulk = semaphore.NewWeighted(max(1, int64(conns.Config().MaxConns)/4))
	}
	return conns, err
}

// connect makes connections, and the first of them.
func connect(ctx context.Context, c Config) (*Connections, error) {
	if err := CheckDSN(c.DSN); err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	pc, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("database URL: a setting of the pool, such as pool_max_conns, has a value that cannot be used")
	}
	if !limited(c.DSN) && c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	if c.Exactly > 0 {
		pc.MaxConns, pc.MinConns, pc.MinIdleConns = c.Exactly, 0, 0
	}
	params := pc.ConnConfig.RuntimeParams
	for name := range params {
		// A pooler refuses unknown settings at the start of a connection, or drops them: these are set by a statement.
		if strings.EqualFold(name, "search_path") || slices.ContainsFunc(needs, func(n setting) bool { return strings.EqualFold(name, n.name) }) {
			delete(params, name)
		}
	}
	if params["application_name"] == "" {
		params["application_name"] = "syncd"
	}
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	conns, err := dial(ctx, pc, session{schema: c.Schema}, c)
	if errors.Is(err, errPooler) {
		c.Log.DebugContext(ctx, "a pooler stands between syncd and Postgres: no session state is used")
		conns, err = dial(ctx, pc, session{schema: c.Schema, pooled: true}, c)
	}
	return conns, err
}

// dial makes a first connection by a session.
func dial(ctx context.Context, pc *pgxpool.Config, base session, c Config) (*Connections, error) {
	pc = pc.Copy()
	pc.AfterConnect = base.prepare
	if base.schema == "" {
		pc.AfterRelease = isLean
	}
	if base.pooled {
		// Named statements live in the session. The unnamed one of this mode is described and run within one transaction.
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, err
	}
	conns := &Connections{Pool: pool, base: base, log: c.Log}
	conns.locks = &locks{conns: conns, after: cmp.Or(c.LockAfter, lockAfter), held: map[*held]struct{}{}}
	first := &Pool{Connections: conns, session: base, log: c.Log}
	conn, err := first.acquire(ctx)
	if err != nil {
		pool.Close()
		return nil, conns.told(err)
	}
	_, conns.base.spread = conn.Conn.Conn().PgConn().CustomData()[coordinates]
	conn.Release()
	conns.locks.watch()
	return conns, nil
}

// Close waits for the connections in use, and ends all of them.
func (c *Connections) Close() {
	c.locks.close()
	c.Pool.Close()
}

// These bound the schemas that one connection works for in its life. Postgres keeps what it knows of the tables of each of them in the
// memory of the connection's process, until that ends: half a megabyte and more. A new process has to read all that anew, so a connection
// is kept for a while, unless its schemas become too many: where thirty organizations are swept at once, it has met all of them in two seconds.
const (
	manySchemas = 32
	mostSchemas = 4 * manySchemas
	leastLife   = 15 * time.Second
)

// What is known of a connection.
const (
	inUse   = "syncd schema"  // whose search_path it has
	visited = "syncd schemas" // all that it has worked for
	since   = "syncd since"   // from when on
	// coordinates is there where the server coordinates others.
	coordinates = "syncd citus"
)

// use notes whose search_path a connection has.
func use(conn *pgx.Conn, schema string) {
	about := conn.PgConn().CustomData()
	about[inUse] = schema
	all, is := about[visited].(map[string]bool)
	if !is {
		all = map[string]bool{}
		about[visited], about[since] = all, time.Now()
	}
	all[schema] = true
}

// isLean tells whether a connection may work for further schemas.
func isLean(conn *pgx.Conn) bool {
	about := conn.PgConn().CustomData()
	all, _ := about[visited].(map[string]bool)
	from, _ := about[since].(time.Time)
	return len(all) <= manySchemas || len(all) <= mostSchemas && time.Since(from) < leastLife
}

// take gives a connection the search_path of this session, if it has another one. A pooled session has it for each transaction.
func (s session) take(ctx context.Context, conn *pgx.Conn) error {
	if s.pooled || s.schema == "" || conn.PgConn().CustomData()[inUse] == s.schema {
		return nil
	}
	if _, err := conn.Exec(ctx, "SET SESSION search_path TO "+s.path()); err != nil {
		if ctx.Err() == nil && conn.IsClosed() {
			return lost(err)
		}
		return err
	}
	use(conn, s.schema)
	return nil
}
