package catalog

import (
	"syncd/internal/audit"
	"syncd/internal/mirror"
)

// Config of a Mirror.
type Config struct {
	mirror.Config         // its Streams are those of Entries
	Entries       []Entry // nil = Entries()
}

// Mirror mirrors one organization: an engine that makes runs, and what follows and audits through it.
type Mirror struct {
	*mirror.Engine
	*audit.Auditor
}

// New checks the entries and makes a Mirror of them.
func New(c Config) (*Mirror, error) {
	if c.Entries == nil {
		c.Entries = Entries()
	}
	c.Streams = make([]mirror.Stream, len(c.Entries))
	against := map[string]audit.Against{}
	for i, e := range c.Entries {
		c.Streams[i], against[e.Name] = e.Stream, e.Audit
	}
	engine, err := mirror.New(c.Config)
	if err != nil {
		return nil, err
	}
	auditor, err := audit.New(engine, against)
	if err != nil {
		return nil, err
	}
	return &Mirror{engine, auditor}, nil
}
