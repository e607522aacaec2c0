package pg_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T, dsn string) *pg.Pool {
	t.Helper()
	p, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: "polar", MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// ping tells whether the database answers.
func ping(ctx context.Context, p *pg.Pool) error {
	_, err := p.Exec(ctx, "SELECT 1")
	return err
}

// A database that cannot hold every name is refused before anything is made in it.
func TestOnlyUTF8(t *testing.T) {
	t.Parallel()
	admin := pgtest.Connect(t, pgtest.Empty(t))
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		name := "syncd_test_" + strings.ToLower(encoding)
		pgtest.Exec(t, admin, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0")
		t.Cleanup(func() {
			if _, err := admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
		_, err := pg.Open(t.Context(), pg.Config{DSN: pgtest.DSNAs(admin, admin.Config().User, admin.Config().Password, name), Schema: "polar"})
		if err == nil || !pg.IsError(err) || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "ENCODING 'UTF8'") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

// An old server is refused before it gets a statement.
func TestOldServer(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan pgproto3.FrontendMessage, 1)
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := pgproto3.NewBackend(conn, conn)
		if _, err := b.ReceiveStartupMessage(); err != nil {
			return
		}
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "13.14 (Debian 13.14-1)"})
		b.Send(&pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte{1, 2, 3, 4}})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if b.Flush() != nil {
			return
		}
		if m, err := b.Receive(); err == nil {
			asked <- m
		}
	}()
	_, err = pg.Open(t.Context(), pg.Config{DSN: "postgres://u@" + l.Addr().String() + "/db?sslmode=disable", Schema: "polar"})
	if err == nil || !strings.Contains(err.Error(), "Postgres 13.14") || !strings.Contains(err.Error(), "Postgres 14 or newer") {
		t.Errorf("%v", err)
	}
	<-served
	select {
	case m := <-asked:
		if _, is := m.(*pgproto3.Terminate); !is {
			t.Errorf("it was asked %#v", m)
		}
	default:
		t.Error("the connection was left open")
	}
	if errors.Is(err, pg.ErrUnreachable) {
		t.Error("it would be tried again")
	}
}
