package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/fetch"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// closeWithin bounds the last writes of a run whose context has ended: closing
// its row and giving the lease back.
const closeWithin = 5 * time.Second

// Once makes one run of one stream: lease, pages, verdict, closed row. Whatever
// happens is in the Result, and logged once, here.
func (r *Runner) Once(ctx context.Context, stream string) Result {
	start := time.Now()
	res := Result{Stream: stream, Kind: store.KindSweep, Total: -1, StartedAt: start}
	r.Observer.RunStarted(stream)
	r.once(ctx, stream, &res)
	res.Duration = time.Since(start)
	r.log(ctx, res)
	r.Observer.RunFinished(res)
	return res
}

func (r *Runner) once(ctx context.Context, name string, res *Result) {
	s := r.streams[name]
	if s == nil {
		res.fail(Failed, &UnknownStreamError{Name: name, Nearest: Nearest(name, r.Names())})
		return
	}
	r.mu.Lock()
	why, off := r.disabled[name]
	r.mu.Unlock()
	if off {
		res.Outcome, res.Reason = Skipped, why
		return
	}
	if r.draining() {
		res.Outcome, res.Reason = Interrupted, "stopping"
		return
	}
	run, err := r.Store.Begin(ctx, name, res.Kind, r.holder, r.LeaseTTL)
	if errors.Is(err, store.ErrBusy) {
		res.fail(Skipped, err)
		return
	}
	if err != nil {
		res.fail(r.brokenOff(ctx, err), err)
		return
	}
	res.RunID, res.Resumed = run.ID, run.Checkpoint != nil

	sw := &sweep{r: r, s: s, run: run, res: res}
	sw.guarded(ctx)

	closing := sw.closing
	res.Counts = run.Counts
	res.Requests = sw.requests
	closing.Outcome, closing.Reason, closing.Requests = string(res.Outcome), res.Reason, res.Requests
	if res.Err != nil {
		closing.Error, closing.ErrorClass = res.Err.Error(), class(res.Err)
	}
	if res.Unavailable {
		closing.Unavailable = res.Reason
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	if err := run.Finish(last, closing); err != nil {
		// An outcome that could not be recorded is not a success: another process
		// may have the lease, and will read the sweep again.
		res.fail(Failed, errors.Join(res.Err, err))
	}
}

// fail sets an outcome that has an error.
func (res *Result) fail(o Outcome, err error) {
	res.Outcome, res.Err, res.Reason = o, err, err.Error()
}

// brokenOff tells a run that was stopped from one that failed.
func (r *Runner) brokenOff(ctx context.Context, err error) Outcome {
	if ctx.Err() != nil || (r.draining() && errors.Is(err, context.Canceled)) {
		return Interrupted
	}
	return Failed
}

// class of an error, for metrics and sync_runs.
func class(err error) string {
	if store.IsStore(err) {
		return "store"
	}
	return fetch.Class(err)
}

func (r *Runner) log(ctx context.Context, res Result) {
	l := r.Log.With("stream", res.Stream, "outcome", res.Outcome, "run", res.RunID, "rows", res.Read, "pages", res.Pages,
		"requests", res.Requests, "inserted", res.Inserted, "updated", res.Updated, "rejected", res.Rejected,
		"duration", res.Duration.Round(time.Millisecond))
	switch {
	case res.Outcome == Succeeded:
		l.InfoContext(ctx, "run finished")
	case res.Unavailable || res.Outcome == Interrupted || res.Outcome == Skipped:
		l.InfoContext(ctx, "run finished", "reason", res.Reason)
	default:
		l.WarnContext(ctx, "run finished", "reason", res.Reason, "class", class(res.Err))
	}
}

// sweep is a run that reads a stream from end to end.
type sweep struct {
	r        *Runner
	s        *prepared
	run      *store.Run
	res      *Result
	requests int64
	closing  store.Closing
}

// guarded turns a panic into a failed run: a bug met in one stream must not
// take the others down, nor leave a run open that nobody is making.
func (sw *sweep) guarded(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			sw.r.Log.ErrorContext(ctx, "panic", "stream", sw.s.Name, "panic", p, "stack", string(debug.Stack()))
			sw.res.fail(Failed, fmt.Errorf("bug in syncd: panic: %v", p))
		}
	}()
	sw.sweep(ctx)
}

func (sw *sweep) sweep(ctx context.Context) {
	// Reads are given up at once when the process is to stop; a write under way is finished.
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		sw.renew(reading, stopReading)
	}()
	err := sw.pages(ctx, reading)
	stopReading(nil)
	<-renewed
	if cause := context.Cause(reading); err != nil && errors.Is(cause, store.ErrLeaseLost) {
		err = cause
	}

	switch {
	case err == nil:
		if err = sw.certify(ctx); err != nil {
			sw.res.fail(sw.r.brokenOff(ctx, err), err)
		}
	case sw.s.Optional && (errors.Is(err, fetch.ErrAuth) || errors.Is(err, fetch.ErrScope)):
		sw.res.fail(Skipped, err)
		sw.res.Unavailable, sw.res.Reason = true, "not available: Polar refuses this list to an organization access token"
		sw.closing.SweepEnded = true
	case errors.Is(err, fetch.ErrScope):
		sw.res.fail(Failed, err)
		sw.r.disable(sw.s.Name, fmt.Sprintf("disabled until the next start: the token lacks %s", sw.s.Scope))
	default:
		sw.res.fail(sw.r.brokenOff(ctx, err), err)
	}
}

func (r *Runner) disable(stream, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disabled[stream] = why
}

// renew keeps the lease while a page takes long: a retry may wait a minute.
func (sw *sweep) renew(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(sw.r.LeaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sw.r.drain:
			stop(context.Canceled)
			return
		case <-tick.C:
			// Any other error than a lost lease will show at the next page as well.
			if err := sw.run.Renew(ctx); errors.Is(err, store.ErrLeaseLost) {
				stop(err)
				return
			}
		}
	}
}

// pages reads and stores until the scan is done.
func (sw *sweep) pages(ctx, reading context.Context) error {
	var from fetch.Cursor
	if sw.run.Checkpoint != nil {
		if err := json.Unmarshal(sw.run.Checkpoint, &from); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", sw.s.Name, err)
		}
	}
	before := 0 // rows of this sweep that earlier runs stored
	if sw.res.Resumed {
		n, err := sw.run.Distinct(ctx)
		if err != nil {
			return err
		}
		before = int(n)
	}
	for page, err := range sw.s.Scan.Pages(reading, sw.r.Client, sw.s.Path, sw.s.Query, from) {
		sw.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		if err := sw.storePage(ctx, page); err != nil {
			return err
		}
		sw.res.Total = page.Total
		if page.Total >= 0 {
			sw.res.Total += before
		}
		sw.r.Observer.PageStored(sw.s.Name, before+int(sw.run.Counts.Read), sw.res.Total)
		if page.Done {
			return nil
		}
	}
	return fmt.Errorf("%w: the scan of %s ended without its last page", fetch.ErrContract, sw.s.Name)
}

// storePage takes the items apart and hands them to the store.
func (sw *sweep) storePage(ctx context.Context, page fetch.Page) error {
	cursor, err := json.Marshal(page.Next)
	if err != nil {
		return fmt.Errorf("checkpoint of %s: %w", sw.s.Name, err)
	}
	p := store.Page{
		Table:       sw.s.Name,
		RequestedAt: page.RequestedAt,
		Read:        len(page.Items),
		Checkpoint:  cursor,
		Requests:    sw.requests,
	}
	if page.TotalCount >= 0 {
		total := int64(page.TotalCount)
		p.Total = &total
	}
	objects := make([]object, 0, len(page.Items))
	at := make(map[uuid.UUID]int, len(page.Items))
	for _, raw := range page.Items {
		o, err := sw.s.shape.split(raw)
		if err != nil {
			reject := store.Reject{Reason: err.Error(), Body: raw}
			if o.id != (uuid.UUID{}) {
				reject.ID = &o.id
			}
			p.Rejects = append(p.Rejects, reject)
			continue
		}
		item := store.Item{ID: o.id, Hash: o.hash, Body: raw}
		if i, twice := at[o.id]; twice { // a row that moved within the page: the later one is newer
			objects[i], p.Items[i] = o, item
			continue
		}
		at[o.id] = len(objects)
		objects, p.Items = append(objects, o), append(p.Items, item)
	}
	p.Write = func(ctx context.Context, q *db.Queries, tx pgx.Tx, changes []store.Change) error {
		return sw.s.write(ctx, q, tx, page.RequestedAt, objects, changes)
	}
	_, err = sw.run.StorePage(ctx, p)
	return err
}

// certify ends a sweep that was read to its end: it is complete only if the ids
// it received account for the rows that Polar counts.
func (sw *sweep) certify(ctx context.Context) error {
	distinct, err := sw.run.Distinct(ctx)
	if err != nil {
		return err
	}
	total := int64(sw.res.Total)
	if counter, ok := sw.s.Scan.(fetch.Counter); ok && sw.res.Total >= 0 {
		n, err := counter.Count(ctx, sw.r.Client, sw.s.Path, sw.s.Query)
		sw.requests += int64(n.Requests)
		if err != nil {
			return fmt.Errorf("count %s at the end of the sweep: %w", sw.s.Name, err)
		}
		total, sw.res.Total = int64(n.Total), n.Total
	}
	sw.closing.SweepEnded, sw.closing.Distinct, sw.closing.Verdict = true, &distinct, "complete"
	sw.res.Outcome = Succeeded
	if total >= 0 && distinct != total {
		sw.closing.Verdict = "incomplete"
		sw.res.Outcome = Partial
		sw.res.Reason = fmt.Sprintf("%d different rows were read, Polar counts %d: rows came or went meanwhile; the next run reads again", distinct, total)
	}
	if n := sw.run.Counts.Rejected; n > 0 {
		sw.res.Outcome = Partial
		sw.res.Reason = joinReasons(sw.res.Reason, fmt.Sprintf("%d items could not be stored: see sync_rejects", n))
	}
	return nil
}

func joinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
