package store

import (
	"context"
	"errors"
	"slices"

	"syncd/internal/store/pg"
)

// expectation is what the comparison of pages will probably find, as it has found it twice before.
type expectation int

const (
	anything expectation = iota
	allNew
	allChanged
	noneChanged
)

// learn takes note of what the comparison of pages has found.
func (r *Run) learn(found expectation) {
	if r.expected = anything; r.last == found {
		r.expected = found
	}
	r.last = found
}

// errSurprise ends a transaction in which Postgres has found something else. Nothing of it is stored.
var errSurprise = errors.New("the rows are not as expected")

// found is what the comparison has found. Where copies of unknown rows came, the next pages may well hold more of them.
func (w *writing) found() expectation {
	if slices.ContainsFunc(w.copies, func(m met) bool { return len(m.missing) > 0 }) {
		return anything
	}
	news, changed := 0, 0
	for _, c := range w.changes {
		switch {
		case c.isNew:
			news++
		case !c.revived && !c.misdated && !c.doubted:
			changed++
		}
	}
	switch all := len(w.items); {
	case all == 0:
	case news == all:
		return allNew
	case changed == all:
		return allChanged
	case w.counts.Unchanged == int64(all):
		return noneChanged
	}
	return anything
}

// expects tells what to expect of these pages. A run without a lease has few pages, and a surprise costs some round trips.
func (w *writing) expects() expectation {
	if w.run.lease == "" || w.surprised || w.upsert || w.apart || len(w.bad)+len(w.badCopies) > 0 || len(w.items) == 0 || w.pages[0].Force {
		return anything
	}
	if w.run.expected == allChanged && len(w.into.Invalidates) > 0 { // what the rows show now is to be read first
		return anything
	}
	for k := range w.pages {
		if w.pages[k].RequestedAt.IsZero() {
			return anything
		}
	}
	return w.run.expected
}

// asExpected queues all that writes the pages, in one step: nothing that is written waits for an answer. Postgres itself makes sure that the
// lease is held, that the pages before are stored, that the rows are as expected, and that no row is missing of which they hold a copy; else
// it ends the transaction.
func (w *writing) asExpected(ctx context.Context, p *pg.Pipeline, what expectation) error {
	from := p.Len()
	w.hold(ctx, p)
	p.Demand(from, "COALESCE(bool_or(q.stream = $3 AND q.lease_run = $4 AND q.sweep_pages = $5), false)", errSurprise, w.run.lease, w.run.ID, w.from)
	rows := int64(len(w.items))
	switch what {
	case allNew:
		if w.counts.Inserted = rows; !w.presumesNew() {
			w.demand(p, rows, "q.new")
		}
	case allChanged:
		w.counts.Updated = rows
		w.demand(p, rows, "NOT (q.new OR q.older OR q.met OR q.dead OR q.ahead)")
	default:
		w.counts.Unchanged = rows
		w.demand(p, 0, "true")
	}
	from = p.Len()
	if w.settled, w.copies, w.invalid = nil, nil, nil; what != noneChanged {
		w.changes = w.all()
		for i := range w.changes {
			w.changes[i].isNew = what == allNew
		}
		w.sortChanges()
		w.lookForCopies(p, w.changes)
		p.Demand(from, "count(*) = 0", errSurprise)
	}
	return w.write(ctx, p)
}

// demand compares, and demands that so many rows differ, all of a kind.
func (w *writing) demand(p *pg.Pipeline, rows int64, kind string) {
	from := p.Len()
	w.compare(p)
	p.Demand(from, "count(*) = $7 AND COALESCE(bool_and("+kind+"), true)", errSurprise, rows)
}
