package catalog

import (
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/audit"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/store/tails"
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
	entries []Entry
}

// New checks the entries and makes a Mirror of them.
func New(c Config) (*Mirror, error) {
	t := whole()
	if c.Entries != nil {
		t = tableOf(c.Entries)
	}
	c.Streams = t.streams
	engine, err := mirror.New(c.Config)
	if err != nil {
		return nil, err
	}
	follower, err := tail.New(engine, t.tails, c.Tail)
	if err != nil {
		return nil, err
	}
	auditor, err := audit.New(engine, t.against)
	if err != nil {
		return nil, err
	}
	return &Mirror{engine, follower, auditor, t.entries}, nil
}

// table is what each part of a Mirror takes of the entries. Nobody changes it, so that all organizations of a process share one.
type table struct {
	entries []Entry
	streams []streams.Stream
	tails   map[string]tail.Spec
	against map[string]audit.Against
}

var whole = sync.OnceValue(func() *table { return tableOf(entries()) })

func tableOf(entries []Entry) *table {
	t := &table{entries, make([]streams.Stream, len(entries)), map[string]tail.Spec{}, map[string]audit.Against{}}
	for i, e := range entries {
		t.streams[i], t.tails[e.Name], t.against[e.Name] = e.Stream, e.Tail, e.Audit
	}
	return t
}

// NamedBy is what a webhook event says has changed here: see tail.Spec.
func (m *Mirror) NamedBy(event string, at time.Time, data jsontext.Value) []tails.Changed {
	if now := m.Client.Now(); now.Before(at) {
		at = now
	}
	return NamedBy(slices.DeleteFunc(slices.Clone(m.entries), func(e Entry) bool { return m.Off[e.Name] }), event, at, data)
}

// NamedBy is what a webhook event says has changed of these streams.
func NamedBy(entries []Entry, event string, at time.Time, data jsontext.Value) (changes []tails.Changed) {
	for i := range entries {
		changes = append(changes, entries[i].Tail.NamedBy(&entries[i].Stream, event, at, data)...)
	}
	return changes
}
