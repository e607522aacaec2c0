package check

import (
	"context"
	"sync"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/store"
	"syncd/internal/token"
)

// Config is what is looked at.
type Config struct {
	// Open connects to the database.
	Open     func(context.Context) (*store.Store, error)
	Parallel int // streams that are read at once

	Client         *fetch.Client
	Token          string
	OrganizationID string        // that the token must be of; "" = any
	Scopes         []token.Scope // that the streams which are on need
	WarnDays       int           // how many days before the end of a version of the API somebody should know

	// TempDir is where exports are kept while they are read.
	TempDir string
}

// within bounds what the database may take: a server that has no free connection is waited for otherwise.
const within = 20 * time.Second

// Run makes all checks. It writes nothing.
func Run(ctx context.Context, c Config) Report {
	var g sync.WaitGroup
	d, p := database{Config: c}, polar{Config: c}
	g.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		d.check(bounded)
	})
	g.Go(func() { p.check(ctx) })
	g.Wait()
	r := Report{Lines: append(d.lines, p.lines...)}
	if line := c.room(d.facts); line.Found != "" {
		r.Lines = append(r.Lines, line)
	}
	r.Lines = append(r.Lines, organizations(d, p)...)
	r.Lines = append(r.Lines, clocks(d, p)...)
	for _, s := range p.scopes {
		r.Scopes = append(r.Scopes, Scope{s.Name, s.Streams, s.Lacking})
	}
	return r
}
