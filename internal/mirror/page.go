package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/store"
)

// parsed is a page whose items have been taken apart.
type parsed struct {
	scan.Page
	objects []item.Item
	rejects []store.Reject
	err     error // why the page as a whole cannot be stored
}

// weight is the size in usual pages: some scans yield thousands of rows at once, and some rows are large.
func (p parsed) weight() int {
	const rows, bytes = 100, 512 << 10
	size := 0
	for _, it := range p.Items {
		size += len(it)
	}
	return max(len(p.Items)/rows, size/bytes)
}

// parse takes the items of a page apart.
func (run *Run) parse(page scan.Page) parsed {
	p := parsed{Page: page, objects: make([]item.Item, 0, len(page.Items))}
	at := make(map[uuid.UUID]int, len(page.Items))
	run.splitter.Checked, run.splitter.Organization = page.Checked, run.record.Organization
	for _, raw := range page.Items {
		o, err := run.splitter.Split(run.s.shape, raw)
		if err != nil {
			reject := store.Reject{Reason: store.ErrorReason(err), Body: o.Raw}
			if o.ID != (uuid.UUID{}) {
				reject.ID = &o.ID
			}
			p.rejects = append(p.rejects, reject)
			continue
		}
		// The row moved within the page: the later one is newer.
		if i, twice := at[o.ID]; twice {
			p.objects[i] = o
			continue
		}
		at[o.ID] = len(p.objects)
		p.objects = append(p.objects, o)
	}
	p.err = run.understood()
	if run.mostWritten.Load() {
		run.s.target.Encode(page.RequestedAt, p.objects)
	}
	return p
}

// gap is how a row that cannot be rendered is recorded: by its neighbour, since rows come and go in front of it.
func (run *Run) gap(g fetch.Gap) store.Gap {
	list := run.s.Path + "?" + g.Query.Encode()
	kept := store.Gap{Place: g.Place, Said: g.Err.Error(), Reason: fmt.Sprintf("Polar cannot render the row at position %d of %s", g.Row, list)}
	if g.IsTooLarge() {
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
func (run *Run) parsing(pages iter.Seq2[scan.Page, error]) iter.Seq2[parsed, error] {
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

// store takes the items of a page apart and hands them to the store. next is the checkpoint from which the run goes on once the
// page is stored.
func (run *Run) store(ctx context.Context, page fetch.Page, next any) error {
	p, err := run.page(run.parse(scan.Page{Page: page}), next)
	if err != nil {
		return err
	}
	return run.put(ctx, p)
}

// understood refuses pages in an unknown version of the API that differ from the known one by more than additions: stored, they
// would empty columns.
func (run *Run) understood() error {
	version := run.engine.Client.Version()
	if _, known := fetch.FindVersion(version); known || run.engine.Client.RetiredVersion() == "" {
		return nil
	}
	if m, is := run.drift.FirstBreaking(); is {
		return fmt.Errorf("%w: version %s of the API is not known to this syncd and differs in what it stores: %s: %s; nothing of it is stored: upgrade syncd", fetch.ErrContract, version, m.Field, m.Kind)
	}
	return nil
}

// put hands pages to the store, to be written together.
func (run *Run) put(ctx context.Context, pages ...store.Page) error {
	run.coverMonths(ctx, pages)
	return run.notePut(run.record.Put(ctx, run.s.target, pages...))
}

// putAhead does so without waiting for the last of them: see store.Run.PutAhead.
func (run *Run) putAhead(ctx context.Context, pages ...store.Page) error {
	run.coverMonths(ctx, pages)
	return run.notePut(run.record.PutAhead(ctx, run.s.target, pages...))
}

// notePut takes note of what has been stored.
func (run *Run) notePut(counts store.Counts, err error) error {
	if err == nil && counts.Read > 0 {
		run.mostWritten.Store(counts.Inserted+counts.Updated > counts.Read/2)
	}
	return err
}

// page is a parsed page in the store's form.
func (run *Run) page(page parsed, next any) (p store.Page, err error) {
	if page.err != nil {
		return p, page.err
	}
	cursor, err := json.Marshal(next)
	if err != nil {
		return p, fmt.Errorf("checkpoint of %s: %w", run.s.Name, err)
	}
	p = store.Page{
		RequestedAt: page.RequestedAt,
		Items:       page.objects,
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
	return p, nil
}
