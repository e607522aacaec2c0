package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// MaxPages is the most pages of one transaction.
const MaxPages = 16

// Put writes pages of a stream: changed rows, rejects, the ids that came, the run's counts, the checkpoint and the renewal of the lease. Up to
// MaxPages pages go into one transaction; all of it is stored, or nothing. The transaction goes by steps, each one round trip, whatever the pages
// hold. The first takes the stream's turn and compares. If there are copies of unknown rows, or columns that other streams show, the next looks
// for these. The last writes and commits. Where the pages before were all new, all changed or all unchanged, the same is expected of these, and
// all goes in one step: see asExpected. Where they brought copies of unknown rows as well, the first step looks for the copies of all rows.
//
// One read finds the unchanged rows, and they cost no write; while all rows of a run are new it is left out (presumesNew). If Postgres refuses a
// row, it becomes a reject and the pages are written again without it: that takes more steps.
func (r *Run) Put(ctx context.Context, into *Target, pages ...Page) (Counts, error) {
	return r.put(ctx, into, false, pages)
}

// PutAhead does so, and returns while its last transaction is under way, if that goes in one step. The next one is made meanwhile, and
// waits in Postgres, so that no server waits for a page, however far away it is. A transaction demands that the one before is stored. The
// counts are those of what is stored by now. Land waits for the rest; nothing else may be asked of the run before that.
func (r *Run) PutAhead(ctx context.Context, into *Target, pages ...Page) (Counts, error) {
	return r.put(ctx, into, !r.s.pool.IsShared(), pages) // those who share connections keep none waiting
}

// Land waits for what PutAhead has sent.
func (r *Run) Land(ctx context.Context) (Counts, error) {
	f := r.flying
	r.flying = nil
	return r.land(ctx, f)
}

// Free is closed as soon as nothing is under way. Pages that are put before that wait in Postgres, where they keep nobody waiting, but the
// fewer there are of them together, the more does each cost.
func (r *Run) Free() <-chan struct{} {
	if r.flying == nil {
		return free
	}
	return r.flying.ended
}

var free = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (r *Run) put(ctx context.Context, into *Target, ahead bool, pages []Page) (sum Counts, err error) {
	for len(pages) > 0 && err == nil {
		n := together(pages)
		w := newWriting(r, into, pages[:n])
		what, before := anything, r.flying
		if ahead {
			what = w.expects()
		}
		if r.flying = nil; what != anything {
			r.flying = w.send(ctx, what, before)
		}
		var counts Counts
		if counts, err = r.land(ctx, before); err == nil && what == anything {
			sum.add(counts)
			counts, err = r.settle(ctx, w, w.try(ctx))
		}
		sum.add(counts)
		pages = pages[n:]
	}
	return sum, err
}

// together is how many of the pages go into one transaction: a row that comes a second time has to be compared with the stored
// first one.
func together(pages []Page) int {
	met := make(map[uuid.UUID]struct{}, len(pages[0].Items))
	for n, p := range pages {
		if n == MaxPages {
			return n
		}
		for i := range p.Items {
			if _, again := met[p.Items[i].ID]; again && n > 0 {
				return n
			}
		}
		for i := range p.Items {
			met[p.Items[i].ID] = struct{}{}
		}
	}
	return len(pages)
}

// flight is a transaction that has been sent, and whose answer has not come yet.
type flight struct {
	w     *writing
	ended chan struct{} // closed when err is what it ended with
	err   error
}

// send sends pages that are expected to be such, after those that are under way.
func (w *writing) send(ctx context.Context, what expectation, before *flight) *flight {
	f := &flight{w: w, ended: make(chan struct{})}
	if w.from = w.run.SweepPages; before != nil {
		w.from += int64(len(before.w.pages))
	}
	var p pg.Pipeline
	_ = db.New(&p).PagesQueue(ctx, w.run.lease) // queued
	err := w.asExpected(ctx, &p, what)
	go func() {
		defer close(f.ended)
		if f.err = err; err == nil {
			f.err = w.run.s.pool.InBulk(ctx, func(tx *pg.Steps) error { return tx.Commit(ctx, &p) }, withoutDisk)
		}
	}()
	return f
}

// land waits for a transaction, and writes its pages again if they were refused. Then the one sent after it was refused, too: that is over
// before this one is tried, and follows.
func (r *Run) land(ctx context.Context, f *flight) (sum Counts, err error) {
	if f == nil {
		return sum, nil
	}
	<-f.ended
	next := r.flying
	if f.err != nil && next != nil {
		r.flying = nil
		<-next.ended
	}
	if sum, err = r.settle(ctx, f.w, f.err); err == nil && f.err != nil && next != nil {
		var counts Counts
		counts, err = r.settle(ctx, next.w, next.err)
		sum.add(counts)
	}
	return sum, err
}

// withoutDisk: the commit does not wait for the disk. If the server crashes within the next second, the pages may be lost together with
// their checkpoint, and are read again. The end of a run does wait, for all its pages.
const withoutDisk = "SET LOCAL synchronous_commit TO off"

func (w *writing) try(ctx context.Context) error {
	w.from = w.run.SweepPages
	return w.run.s.pool.InBulk(ctx, func(tx *pg.Steps) error { return w.transaction(ctx, tx) }, withoutDisk)
}

// settle takes note of what has become of pages, and tries them again as long as there is another way.
func (r *Run) settle(ctx context.Context, w *writing, err error) (Counts, error) {
	for ; ; err = w.try(ctx) {
		refused, is := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			r.stored(w)
			return w.counts, nil
		case errors.Is(err, errSurprise):
			w.surprised = true
		case is && len(w.pages) > 1:
			return r.putEach(ctx, w.into, w.pages)
		case is && w.setAside(refused):
		case errors.Is(err, errThere):
			w.upsert = true
		case errors.Is(err, ErrLeaseLost):
			return Counts{}, fmt.Errorf("%s: %w", r.Stream, err)
		default:
			return Counts{}, pg.Failure(fmt.Errorf("store page of %s: %w", r.Stream, err))
		}
	}
}

// putEach writes pages one by one: in one of them is a row that Postgres refuses, and to find it takes a statement for each row.
func (r *Run) putEach(ctx context.Context, into *Target, pages []Page) (sum Counts, err error) {
	for len(pages) > 0 && err == nil {
		var counts Counts
		counts, err = r.put(ctx, into, false, pages[:1])
		sum.add(counts)
		pages = pages[1:]
	}
	return sum, err
}

// stored updates the run after its pages have been committed.
func (r *Run) stored(w *writing) {
	r.Counts.add(w.counts)
	r.SweepPages += int64(len(w.pages))
	if r.SweepTotal == nil {
		r.SweepTotal = w.total()
	}
	r.allNew = len(w.items) > 0 && len(w.changes) == len(w.items)
	r.learn(w.found())
	r.rejects = r.rejects || w.counts.Rejected > 0 || w.gaps()
	r.remember(w.settled)
}

// subject identifies a row to write: an item by its index, with its children, or a copy inside one.
type subject struct {
	item int // negative: none, or any of several
	copy copyOf
}

// refusal says that Postgres cannot hold a row, or one of several.
type refusal struct {
	about *subject
	err   error
}

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

// errThere: a row that was new when it was compared is there. Only who copies rows of other streams, or mends by hand, comes between.
var errThere = errors.New("a new row is there")

// row is an object to be written to a table.
type row struct {
	*item.Item
	about subject
	isNew bool
}

// writing is one transaction with pages, which may be tried several times.
type writing struct {
	run   *Run
	into  *Target
	pages []Page
	from  int64        // pages of the sweep before these
	items []*item.Item // of all pages
	page  []int        // theirs
	ids   []uuid.UUID  // theirs

	surprised bool // the rows were not as expected
	apart     bool // each row gets its own statement, to find out which one is refused
	upsert    bool // no row counts as new: one that did was there
	bad       map[int]string
	badCopies map[copyOf]error

	counts  Counts
	changes []change // by id, so that transactions that write the same rows lock them in the same order
	copies  []met
	settled []copyOf
	invalid []invalidated
}

func newWriting(r *Run, into *Target, pages []Page) *writing {
	w := &writing{run: r, into: into, pages: pages, bad: map[int]string{}, badCopies: map[copyOf]error{}}
	for k := range pages {
		for i := range pages[k].Items {
			it := &pages[k].Items[i]
			w.items, w.page, w.ids = append(w.items, it), append(w.page, k), append(w.ids, it.ID)
		}
	}
	return w
}

// setAside leaves out a refused row. If it is not known which one it is, each row gets its own statement from now on.
func (w *writing) setAside(refused *refusal) (further bool) {
	about := refused.about
	switch {
	case about.copy != (copyOf{}):
		further = w.badCopies[about.copy] == nil
		w.badCopies[about.copy] = refused.err
	case about.item >= 0:
		further = w.bad[about.item] == ""
		w.bad[about.item] = ErrorReason(refused.err)
	default:
		further = !w.apart
		w.apart = true
	}
	return further
}

// total is the first page's count of the list.
func (w *writing) total() *int64 {
	for _, p := range w.pages {
		if p.Total != nil {
			return p.Total
		}
	}
	return nil
}

func (w *writing) gaps() bool {
	return slices.ContainsFunc(w.pages, func(p Page) bool { return len(p.Gaps) > 0 })
}

func (w *writing) transaction(ctx context.Context, tx *pg.Steps) error {
	w.counts, w.changes = Counts{}, nil
	var p pg.Pipeline
	if what := w.expects(); what != anything {
		if err := w.asExpected(ctx, &p, what); err != nil {
			return err
		}
		return tx.Commit(ctx, &p)
	}
	w.hold(ctx, &p)
	if w.presumesNew() {
		w.presumeNew()
	} else {
		w.compare(&p)
	}
	eager := w.run.allNew
	if eager {
		w.lookForCopies(&p, w.all())
	}
	if err := tx.Step(ctx, &p); err != nil {
		return err
	}
	w.sortChanges()
	p = pg.Pipeline{}
	if !eager || len(w.changes) < len(w.items) {
		w.lookForCopies(&p, w.changes)
	}
	w.lookForInvalidations(&p)
	if err := tx.Step(ctx, &p); err != nil {
		return err
	}
	p = pg.Pipeline{}
	if err := w.write(ctx, &p); err != nil {
		return err
	}
	return tx.Commit(ctx, &p)
}

func (w *writing) sortChanges() {
	slices.SortFunc(w.changes, func(a, b change) int { return bytes.Compare(w.ids[a.item][:], w.ids[b.item][:]) })
}

// presumesNew: all rows that the run has met were new, so these are probably, too. Nothing needs to be compared then: if one of them
// is in the table, the insert fails, and the pages are written again. Not of a table that is divided: a row that seems new may be in another
// month.
func (w *writing) presumesNew() bool {
	c := w.run.Counts
	return w.run.allNew && c.Updated+c.Unchanged+c.Stale == 0 && !w.upsert && w.into.Months == "" && !w.pages[0].Force
}

// presumeNew makes a change of each item, as compare would if none has a row.
func (w *writing) presumeNew() {
	for i := range w.items {
		if w.bad[i] == "" {
			w.counts.Inserted++
			w.changes = append(w.changes, change{item: i, isNew: true})
		}
	}
}

// all are the changes if every item is one.
func (w *writing) all() []change {
	all := make([]change, len(w.items))
	for i := range all {
		all[i].item = i
	}
	return all
}

// hold takes the pages' turn among the transactions of the stream: each run sees what the others have stored before it decides
// which reply is newer. Nobody can take the run's lease until these pages are committed.
func (w *writing) hold(ctx context.Context, p *pg.Pipeline) {
	_, _ = db.New(p).StreamsHold(ctx, w.run.turn()) // queued
	p.OnRows(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.StreamsHoldRow])
		if err != nil {
			return err
		}
		return w.run.holds(found)
	})
}

// settleStored queues what stored rows settle, and the rejects.
func (w *writing) settleStored(ctx context.Context, q *db.Queries) error {
	r := w.run
	ids := slices.Clone(w.ids)
	var rejects []db.RejectsUpsertParams
	for _, p := range w.pages {
		for _, x := range p.Rejects {
			if x.ID != nil {
				ids = append(ids, *x.ID)
			}
			rejects = append(rejects, x.row(r.Stream, r.ID))
		}
	}
	stored := make([]uuid.UUID, 0, len(w.ids))
	for i, id := range w.ids {
		if why, is := w.bad[i]; is {
			rejects = append(rejects, Reject{ID: &id, Reason: why, Body: w.items[i].Raw}.row(r.Stream, r.ID))
			continue
		}
		stored = append(stored, id)
	}
	w.counts.Rejected = int64(len(rejects))
	for _, p := range w.pages {
		for _, g := range p.Gaps {
			rejects = append(rejects, g.reject(r.Stream, r.ID))
		}
	}
	// Another run may have copied them since this one began.
	if err := q.StubsResolve(ctx, db.StubsResolveParams{Stream: r.Stream, IDs: ids}); err != nil {
		return err
	}
	if r.suspects {
		if err := q.SuspectsForget(ctx, db.SuspectsForgetParams{Stream: r.Stream, IDs: ids}); err != nil {
			return err
		}
	}
	if r.rejects && len(stored) > 0 {
		if err := q.RejectsResolve(ctx, db.RejectsResolveParams{Stream: r.Stream, IDs: stored}); err != nil {
			return err
		}
	}
	return recordRejects(ctx, q, rejects)
}

// close queues the ids that came, the run's counts, the checkpoint and the renewal of the lease.
func (w *writing) close(ctx context.Context, q *db.Queries) error {
	r := w.run
	seen := db.SeenInsertParams{Stream: r.seen, SweepID: r.SweepID, Page: w.from, IDs: make([]uuid.UUID, 0, len(w.ids))}
	for k := range w.pages {
		p := &w.pages[k]
		for _, x := range p.Rejects {
			if x.ID != nil {
				seen.IDs = append(seen.IDs, *x.ID)
			}
		}
		for i := range p.Items {
			seen.IDs = append(seen.IDs, p.Items[i].ID)
		}
		seen.Ends, seen.RequestedAt = append(seen.Ends, int64(len(seen.IDs))), append(seen.RequestedAt, p.RequestedAt)
		w.counts.Pages++
		w.counts.Requests = max(w.counts.Requests, p.Requests)
		w.counts.Read += int64(p.Read)
	}
	if err := q.SeenInsert(ctx, seen); err != nil {
		return err
	}
	first := r.SweepTotal // of a resumed sweep: an earlier run read its first page
	if first == nil {
		first = w.total()
	}
	var total *int64
	for _, p := range w.pages {
		if p.Total != nil {
			total = p.Total
		}
	}
	c := &w.counts
	return q.PageClose(ctx, db.PageCloseParams{
		RunID: &r.ID, Pages: c.Pages, Requests: c.Requests, RowsRead: c.Read, RowsInserted: c.Inserted, RowsUpdated: c.Updated,
		RowsUnchanged: c.Unchanged, RowsStale: c.Stale, RowsUnexplained: c.Unexplained, RowsRejected: c.Rejected,
		TotalFirst: first, Total: total, SweepTotal: w.total(), Lease: r.lease, Checkpoint: w.pages[len(w.pages)-1].Checkpoint, TtlSeconds: r.ttl.Seconds(),
	})
}
