package catalog

import (
	"syncd/internal/audit"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/tail"
)

// Config of a Mirror.
type Config struct {
	mirror.Config         // Entries replaces its Streams
	Entries       []Entry // nil = Entries()
	Tail          tail.Config
}

// Mirror mirrors one organization: an engine that makes runs, and the follower and the auditor that use it.
type Mirror struct {
	*mirror.Engine
	*tail.Follower
	*audit.Auditor
}

// New checks the entries and makes a Mirror of them.
func New(c Config) (*Mirror, error) {
	if c.Entries == nil {
		c.Entries = Entries()
	}
	c.Streams = make([]streams.Stream, len(c.Entries))
	tails, against := map[string]tail.Spec{}, map[string]audit.Against{}
	for i, e := range c.Entries {
		c.Streams[i], tails[e.Name], against[e.Name] = e.Stream, e.Tail, e.Audit
	}
	engine, err := mirror.New(c.Config)
	if err != nil {
		return nil, err
	}
	follower, err := tail.New(engine, tails, c.Tail)
	if err != nil {
		return nil, err
	}
	auditor, err := audit.New(engine, against)
	if err != nil {
		return nil, err
	}
	return &Mirror{engine, follower, auditor}, nil
}
