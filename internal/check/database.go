package check

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"syncd/internal/humanize"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// database is what is found there.
type database struct {
	Config
	lines
	facts   *pg.Facts // nil: it could not be asked
	bound   uuid.UUID // the organization that the schema mirrors
	isBound bool
	unread  bool           // nobody knows which it mirrors
	ahead   *time.Duration // its clock before that of this machine; nil = unknown
}

func (d *database) check(ctx context.Context) {
	s, err := d.Open(ctx)
	if err != nil {
		d.fail("database", err)
		return
	}
	defer s.Close()
	f, err := s.Pool().Inspect(ctx)
	if err != nil {
		d.fail("database", err)
		return
	}
	d.facts = &f
	d.add("database", OK, "", "Postgres %s, database %q, role %q, encoding %s", f.Version, f.Database, f.Role, f.Encoding)
	if f.Pooled {
		d.add("pooler", OK, "", "stands between syncd and Postgres: no session state is used")
	} else {
		d.add("pooler", OK, "", "none")
	}
	if err := s.CheckWrites(ctx); err != nil {
		d.fail("writes", err)
	}
	d.connections(s)
	d.schema(s)
	before := time.Now()
	if now, err := s.Now(ctx); err == nil {
		ahead := now.Sub(before.Add(time.Since(before) / 2))
		d.ahead = &ahead
	}
	if f.Applied > 0 && f.Obstacle == nil {
		if d.bound, d.isBound, err = s.Polar().Organization(ctx); err != nil {
			d.fail("organization", err)
			d.unread = true
		}
	}
}

// connections says if the pool is smaller than what is read at once.
func (d *database) connections(s *store.Store) {
	if fits := s.Parallel(); fits < d.Parallel {
		d.add("connections", Warn, fmt.Sprintf("raise pool_max_conns to %d, or lower parallel", store.Connections(d.Parallel)),
			"pool_max_conns = %d suffices for %d streams at once instead of %d", s.Pool().Config().MaxConns, fits, d.Parallel)
	}
}

// schema says what the schema holds and what a first migration would meet.
func (d *database) schema(s *store.Store) {
	f, name := d.facts, s.Schema()
	switch {
	case f.Obstacle != nil:
		d.fail("schema", f.Obstacle)
	case f.Lacks != nil:
		d.fail("rights", f.Lacks)
	case f.Closed > 0:
		d.add("rights", Fail, fmt.Sprintf("make %q the owner of all tables in the two schemas", f.Role), "role %q may not write %d of syncd's tables", f.Role, f.Closed)
	case f.Pending == 0:
		d.add("schema", OK, "", "%q is up to date", name)
	case f.Applied > 0:
		d.add("schema", OK, "", "%q is that of an older syncd: %d migrations are made at the next start", name, f.Pending)
	case !f.There:
		d.add("schema", OK, "", "%q does not exist yet: `syncd sync` makes it", name)
	case f.Tables > 0:
		d.add("schema", Warn, "", "%q holds %d tables and views that are not syncd's, under other names", name, f.Tables)
	default:
		d.add("schema", OK, "", "%q is empty", name)
	}
}

// organizations compares that of the token with that of the schema.
func organizations(d database, p polar) []Line {
	switch {
	case p.organization == uuid.Nil || d.unread:
		return nil
	case d.isBound && d.bound != p.organization:
		return []Line{{Name: "organization", State: Fail, Found: fmt.Sprintf("the token is for %s, and the schema mirrors %s", p.organization, d.bound),
			Remedy: "choose another schema (--schema) or the right token"}}
	case d.isBound:
		return []Line{{Name: "organization", State: OK, Found: p.organization.String() + ", which the schema mirrors"}}
	}
	return []Line{{Name: "organization", State: OK, Found: p.organization.String()}}
}

// clocks compares the clock of this machine with the two others. syncd trusts none of them blindly, so a difference only confuses who
// compares logs with tables.
func clocks(d database, p polar) []Line {
	line := Line{Name: "clocks", State: OK}
	say := func(whose string, ahead *time.Duration) {
		if ahead == nil {
			return
		}
		if line.Found != "" {
			line.Found += ", "
		}
		switch off := ahead.Round(time.Second); {
		case off.Abs() <= tolerance:
			line.Found += whose + " agrees with this machine"
		case off > 0:
			line.State, line.Found = Warn, line.Found+whose+" is "+humanize.Span(off)+" ahead of this machine"
		default:
			line.State, line.Found = Warn, line.Found+whose+" is "+humanize.Span(-off)+" behind this machine"
		}
	}
	say("Postgres", d.ahead)
	say("Polar", p.ahead)
	if line.Found == "" {
		return nil
	}
	if line.State == Warn {
		line.Remedy = "synchronise the clocks (NTP)"
	}
	return []Line{line}
}

// tolerance is how far clocks may differ. Polar's shows whole seconds.
const tolerance = 5 * time.Second
