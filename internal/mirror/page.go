package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// parsed is a page whose items have been taken apart.
type parsed struct {
	fetch.Page
	objects []item.Item
	items   []store.Item // by index of the objects
	rejects []store.Reject
	err     error // it cannot be stored as a whole
}

// parse takes the items of a page apart.
func (run *Run) parse(page fetch.Page) parsed {
	p := parsed{Page: page, objects: make([]item.Item, 0, len(page.Items)), items: make([]store.Item, 0, len(page.Items))}
	at := make(map[uuid.UUID]int, len(page.Items))
	run.splitter.Checked, run.splitter.Organization = page.Checked, run.record.Organization
	for _, raw := range page.Items {
		o, err := run.splitter.Split(run.s.shape, raw)
		if err != nil {
			reject := store.Reject{Reason: store.Reason(err), Body: o.Raw}
			if o.ID != (uuid.UUID{}) {
				reject.ID = &o.ID
			}
			p.rejects = append(p.rejects, reject)
			continue
		}
		row := store.Item{ID: o.ID, Hash: o.Hash, Body: o.Raw}
		if i, twice := at[o.ID]; twice { // a row that moved within the page: the later one is newer
			p.objects[i], p.items[i] = o, row
			continue
		}
		at[o.ID] = len(p.objects)
		p.objects, p.items = append(p.objects, o), append(p.items, row)
	}
	p.err = run.understood()
	if run.fresh.Load() {
		run.s.compose(page.RequestedAt, p.objects)
	}
	return p
}

// gap is a row that cannot be rendered as it is kept: by its neighbour, as rows come and go in front of it.
func (run *Run) gap(g fetch.Gap) store.Gap {
	list := run.s.Path + "?" + g.Query.Encode()
	kept := store.Gap{Place: g.Place, Said: g.Err.Error(), Reason: fmt.Sprintf("Polar cannot render the row at position %d of %s", g.Row, list)}
	if g.Large() {
		kept.Reason = fmt.Sprintf("too large to be taken in: the row at position %d of %s", g.Row, list)
	}
	if g.Place == "" {
		kept.Place = fmt.Sprintf("%d:%s", g.Row, list)
	} else {
		kept.Reason += ", " + g.Place
	}
	return kept
}

// parsing parses pages as they come.
func (run *Run) parsing(pages iter.Seq2[fetch.Page, error]) iter.Seq2[parsed, error] {
	return func(yield func(parsed, error) bool) {
		for page, err := range pages {
			p := parsed{Page: page}
			if err == nil {
				p = run.parse(page)
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// store takes the items of a page apart and hands them to the store. next is
// the checkpoint from which the run goes on when the page is stored.
func (run *Run) store(ctx context.Context, page fetch.Page, next any) error {
	return run.put(ctx, run.parse(page), next)
}

// understood refuses pages of a version of the API that this syncd does not know, and that differs from what it does know
// by more than additions: stored, they would empty columns.
func (run *Run) understood() error {
	version := run.r.Client.Version()
	if _, known := fetch.FindVersion(version); known || run.r.Client.Retired() == "" {
		return nil
	}
	if m, is := run.drift.Breaks(); is {
		return fmt.Errorf("%w: version %s of the API is not known to this syncd and differs in what it stores: %s: %s; nothing of it is stored: upgrade syncd", fetch.ErrContract, version, m.Field, m.Kind)
	}
	return nil
}

// put hands a parsed page to the store.
func (run *Run) put(ctx context.Context, page parsed, next any) error {
	if page.err != nil {
		return page.err
	}
	cursor, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("checkpoint of %s: %w", run.s.Name, err)
	}
	p := store.Page{
		Table:       run.s.Name,
		RequestedAt: page.RequestedAt,
		Items:       page.items,
		Rejects:     page.rejects,
		Read:        len(page.Items),
		Checkpoint:  cursor,
		Requests:    run.requests,
		Force:       run.force,
	}
	if page.TotalCount >= 0 {
		total := int64(page.TotalCount)
		p.Total = &total
	}
	for _, g := range page.Gaps {
		p.Gaps = append(p.Gaps, run.gap(g))
	}
	quick := true
	var copies copiesMet
	p.Write = func(ctx context.Context, q *db.Queries, tx pgx.Tx, changes []store.Change) (err error) {
		defer func() { quick = quick && !errors.Is(err, store.ErrCopy) }()
		if copies, err = run.storeCopies(ctx, q, tx, page.objects, changes, quick); err != nil {
			return err
		}
		var doubted []store.Change
		for i := range changes {
			if run.force || changes[i].Misdated {
				changes[i].New = false // also where the row was lost: its children may be there
				doubted = append(doubted, changes[i])
			}
		}
		if err := run.s.distrust(ctx, tx, page.RequestedAt, page.objects, doubted); err != nil {
			return err
		}
		return run.s.write(ctx, q, tx, page.RequestedAt, page.objects, changes, quick)
	}
	counts, err := run.record.StorePage(ctx, p)
	if err != nil {
		return err
	}
	run.fresh.Store(counts.Inserted > int64(len(p.Items)/2))
	run.remember(copies.settled)
	run.refused += copies.refused
	return nil
}
