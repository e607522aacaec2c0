// Package distant stands between a program and Postgres, as far away as it is told, and counts round trips.
package distant

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy counts how often a client went on sending after it had heard from the server. What a client sends in one go, without an
// answer in between, is one round trip.
type Proxy struct {
	delay  time.Duration // of a round trip, one half each way
	server pgconn.Config
	listen net.Listener
	wait   sync.WaitGroup

	mu    sync.Mutex
	count Trips
}

// Trips are counts of round trips.
type Trips struct {
	All          int // of all connections, their beginnings included
	Transactions int // that began and ended
	Within       int // of all transactions
	Most         int // of one transaction
}

// Start leads to the server of a DSN. The proxy ends with the context.
func Start(ctx context.Context, dsn string, delay time.Duration) (p *Proxy, through string, err error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, "", err
	}
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	p = &Proxy{delay: delay, server: *config, listen: listen}
	p.wait.Go(func() {
		for {
			client, err := listen.Accept()
			if err != nil {
				return
			}
			p.wait.Go(func() { p.serve(ctx, client) })
		}
	})
	where := url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: listen.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	return p, where.String(), nil
}

// Close waits for the connections to end; their clients have ended them.
func (p *Proxy) Close() error {
	err := p.listen.Close()
	p.wait.Wait()
	return err
}

// Counted are the round trips since it was last asked.
func (p *Proxy) Counted() Trips {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.count
	p.count = Trips{}
	return c
}

// dial connects to the server, by TCP or by its Unix socket.
func (p *Proxy) dial(ctx context.Context) (net.Conn, error) {
	network, address := "tcp", net.JoinHostPort(p.server.Host, strconv.Itoa(int(p.server.Port)))
	if filepath.IsAbs(p.server.Host) {
		network, address = "unix", filepath.Join(p.server.Host, fmt.Sprintf(".s.PGSQL.%d", p.server.Port))
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// serve passes on what one connection sends, both ways.
func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	defer client.Close() //nolint:errcheck // whoever was there has gone
	server, err := p.dial(ctx)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // likewise
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
	defer stop()
	c := &connection{Proxy: p, heard: true} // the client begins
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client, c.asked) })
	both.Go(func() { p.pass(client, server, c.answered) })
	both.Wait()
}

// pass passes on what comes, each piece after half the delay.
func (p *Proxy) pass(to, from net.Conn, seen func([]byte)) {
	type piece struct {
		due   time.Time
		bytes []byte
	}
	pieces := make(chan piece, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		for next := range pieces {
			time.Sleep(time.Until(next.due))
			if _, err := to.Write(next.bytes); err != nil {
				break
			}
		}
		_ = to.Close() // so that the other direction ends as well
		for range pieces {
		}
	})
	for {
		buffer := make([]byte, 64<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			seen(buffer[:n])
			pieces <- piece{time.Now().Add(p.delay / 2), buffer[:n]}
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	writer.Wait()
}

// connection follows who speaks, and whether a transaction is open, by what the server says when it is ready again.
// Source: PostgreSQL documentation, Message Formats: ReadyForQuery.
type connection struct {
	*Proxy
	heard  bool   // the server spoke last
	open   bool   // a transaction is
	within int    // round trips of it
	head   []byte // of a message of the server, as far as it has come
	skip   int    // bytes of a message that are still to come
}

// asked notes what the client sends.
func (c *connection) asked([]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard {
		c.count.All++
		c.within++
	}
	c.heard = false
}

// answered notes what the server sends.
func (c *connection) answered(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = true
	const header, ready = 5, 6 // a letter and a length; and a status
	for len(b) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(b))
			c.skip, b = c.skip-n, b[n:]
			continue
		}
		c.head, b = append(c.head, b[0]), b[1:]
		switch length := header; {
		case len(c.head) < header:
		case c.head[0] == 'Z' && len(c.head) < ready:
		default:
			if c.head[0] == 'Z' {
				length = ready
				c.ready(c.head[header])
			}
			c.skip = int(binary.BigEndian.Uint32(c.head[1:])) + 1 - length
			c.head = c.head[:0]
		}
	}
}

// ready: the server has answered, and a transaction is open or not.
func (c *connection) ready(status byte) {
	open := status != 'I'
	if c.open && !open {
		c.count.Transactions++
		c.count.Within += c.within
		c.count.Most = max(c.count.Most, c.within)
	}
	if !open {
		c.within = 0
	}
	c.open = open
}
