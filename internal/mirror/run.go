package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/limit"
	"syncd/internal/item"
	"syncd/internal/spelling"
	"syncd/internal/store"
	"syncd/internal/store/erasure"
	"syncd/internal/store/mrr"
	"syncd/internal/token"
)

// closeWithin bounds the last writes of a run whose context has ended: they close its row and release the lease.
const closeWithin = 5 * time.Second

// Run is what runs of every kind share. Its work reads pages and objects, and stores them as they come. When the run ends,
// whatever ended it, its findings and its position are recorded.
type Run struct {
	engine   *Engine
	name     string    // of the stream; a run of several streams has its own
	s        *prepared // nil: the run is of several streams
	record   *store.Run
	res      *Result
	closing  store.Closing
	requests int64
	drift    item.Drift
	splitter item.Splitter
	force    bool // also rewrite rows that seem unchanged
	// mostWritten: most rows of the last pages were new or changed. The next pages, which are being read, are probably alike.
	mostWritten atomic.Bool
}

func (e *Engine) newRun(s *prepared, name string, record *store.Run, res *Result) *Run {
	run := &Run{engine: e, name: name, s: s, record: record, res: res}
	run.splitter.Drift = &run.drift
	return run
}

// spec says which run to make: its stream, its kind, its lease.
type spec struct {
	stream string // or the name of a run of several streams
	kind   string
	lease  lease
}

// lease is which lease a run takes; it keeps two runs of the same work apart.
type lease int

const (
	ofStream  lease = iota // the stream's sweep, with its checkpoint
	ofWindow               // the stream's backfill, with a checkpoint of its own
	ofSeveral              // a run of several streams, by its own name
	noLease                // none: the run may write beside any other, and has no checkpoint
)

// backfillSlot is the name of a backfill's lease and checkpoint, beside those of the stream's sweep.
const backfillSlot = "backfill"

func (e *Engine) open(ctx context.Context, sp spec) (*store.Run, error) {
	switch sp.lease {
	case ofWindow:
		return e.Store.Runs().BeginSlot(ctx, sp.stream, backfillSlot, sp.kind, e.holder, e.LeaseTTL)
	case ofSeveral:
		return e.Store.Runs().BeginSlot(ctx, "", sp.stream, sp.kind, e.holder, e.LeaseTTL)
	case noLease:
		return e.Store.Runs().Open(ctx, sp.stream, sp.kind, e.holder)
	}
	return e.Store.Runs().Begin(ctx, sp.stream, sp.kind, e.holder, e.LeaseTTL)
}

// Work is what a run does while it holds the lease. Its requests are given up when the process is to stop or the lease is lost;
// pages that have come are still written: see fetch.WithStop.
type Work func(ctx context.Context, run *Run) error

// SweepOnce sweeps one stream: it takes the lease, reads the pages, gives the verdict and closes the row. The Result says everything,
// and is logged once.
func (e *Engine) SweepOnce(ctx context.Context, stream string) Result {
	return e.do(ctx, spec{stream: stream, kind: store.KindSweep}, readWhole)
}

// RewriteStream sweeps one stream and writes each of its rows anew, even if the stored digest says that nothing has changed.
func (e *Engine) RewriteStream(ctx context.Context, stream string) Result {
	return e.do(ctx, spec{stream: stream, kind: store.KindSweep}, func(ctx context.Context, run *Run) error {
		run.force = true
		return readWhole(ctx, run)
	})
}

// do makes a run. All runs are made here.
func (e *Engine) do(ctx context.Context, sp spec, do Work) Result {
	ctx = limit.WithPriority(ctx, e.priorityOf(sp.stream, sp.kind))
	start := time.Now()
	res := Result{Stream: sp.stream, Kind: sp.kind, Total: -1}
	e.Observer.RunStarted(sp.stream)
	if run := e.begin(ctx, sp, &res); run != nil {
		run.guarded(ctx, do)
		run.end(ctx)
	}
	res.Duration = time.Since(start)
	e.log(ctx, res)
	e.Observer.RunFinished(res)
	return res
}

// begin opens a run. It returns nil if there is none to make, and the Result says why.
func (e *Engine) begin(ctx context.Context, sp spec, res *Result) *Run {
	s := e.lookUp(sp.stream)
	if s == nil && sp.lease != ofSeveral {
		res.fail(Failed, &UnknownStreamError{Name: sp.stream, Nearest: spelling.Nearest(sp.stream, e.Names())})
		return nil
	}
	e.mu.Lock()
	why, off := e.disabled[sp.stream]
	e.mu.Unlock()
	if off {
		res.Outcome, res.Reason = Skipped, why
		return nil
	}
	if e.Draining() {
		res.Outcome, res.Reason = Interrupted, "stopping"
		return nil
	}
	record, err := e.take(ctx, sp)
	if errors.Is(err, store.ErrBusy) {
		res.fail(Skipped, err)
		return nil
	}
	if err != nil {
		res.fail(e.brokenOff(ctx, err), err)
		return nil
	}
	res.RunID, res.Resumed, res.StartedAt = record.ID, record.Checkpoint != nil, record.StartedAt
	res.Outcome = Succeeded
	if sp.kind == store.KindSweep {
		e.preparePartitions(ctx)
	}
	return e.newRun(s, sp.stream, record, res)
}

// end records the outcome of the run, and releases the lease.
func (run *Run) end(ctx context.Context) {
	closing, res := run.closing, run.res
	res.Counts = run.record.Counts
	res.Requests = run.requests
	closing.Outcome, closing.Reason, closing.Requests = string(res.Outcome), res.Reason, res.Requests
	if res.Err != nil {
		closing.Error, closing.ErrorClass = res.Err.Error(), class(res.Err)
	}
	if res.Unavailable {
		closing.Unavailable = res.Reason
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	run.recordDrift(last)
	run.engine.noteAnswer(last)
	if err := run.record.Finish(last, closing); err != nil {
		// An outcome that could not be recorded is no success: another process may have the lease, and reads the sweep again.
		res.fail(Failed, errors.Join(res.Err, err))
	}
	erasure.New(run.engine.Store.Pool()).Settle(ctx, run.engine.Log)
	mrr.Keep(ctx, run.engine.Store.Pool(), run.engine.Log)
}

// guarded turns a panic into a failed run: a bug in one stream must not stop the others, nor leave a run open that nobody makes.
func (run *Run) guarded(ctx context.Context, do Work) {
	defer func() {
		if p := recover(); p != nil {
			run.engine.Log.ErrorContext(ctx, "panic", "stream", run.name, "panic", p, "stack", string(debug.Stack()))
			run.res.fail(Failed, fmt.Errorf("bug in syncd: panic: %v", p))
		}
	}()
	run.leased(ctx, do)
}

// leased does the work while it renews the lease, and turns an error into an outcome.
func (run *Run) leased(ctx context.Context, do Work) {
	// When the process is to stop, requests are given up at once, and a running write is finished.
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		run.renew(reading, stopReading)
	}()
	err := do(fetch.WithStop(ctx, reading), run)
	if cause := context.Cause(reading); err != nil && errors.Is(cause, store.ErrLeaseLost) {
		err = cause
	}
	stopReading(nil)
	<-renewed

	switch {
	case err == nil:
	case run.s != nil && run.s.Optional && (errors.Is(err, fetch.ErrAuth) || errors.Is(err, fetch.ErrScope)):
		run.res.fail(Skipped, err)
		run.res.Unavailable, run.res.Reason = true, "not available: Polar refuses this list to an organization access token"
		run.closing.SweepEnded = true
	case run.s != nil && errors.Is(err, fetch.ErrScope):
		run.res.fail(Failed, err)
		if failed, is := errors.AsType[*fetch.Error](err); is && failed.Scopes != "" {
			run.res.Reason = token.Lack(run.s.Scope) // the rest of the error is on record
		}
		run.engine.DisableStream(run.name, "disabled until the next start: "+token.Lack(run.s.Scope))
	default:
		run.res.fail(run.engine.brokenOff(ctx, err), err)
	}
}

// renew keeps the lease while a page takes long: a retry may wait a minute.
func (run *Run) renew(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(run.engine.LeaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-run.engine.drain:
			stop(context.Canceled)
			return
		case <-tick.C:
			run.engine.noteAnswer(ctx)
			// Any other error than a lost lease also shows at the next page.
			if err := run.record.Renew(ctx); errors.Is(err, store.ErrLeaseLost) {
				stop(err)
				return
			}
		}
	}
}

// leasePoll is how often a waiting run tries to take the lease.
const leasePoll = 250 * time.Millisecond

// take takes the lease of a run. With WaitForLease it waits for a lease that runs out. If the lease is renewed meanwhile, its
// process lives, and the wait ends.
func (e *Engine) take(ctx context.Context, sp spec) (*store.Run, error) {
	var first *store.BusyError
	for {
		record, err := e.open(ctx, sp)
		busy, is := errors.AsType[*store.BusyError](err)
		if !is || !e.WaitForLease || first != nil && !busy.Until.Equal(first.Until) {
			return record, err
		}
		if first == nil {
			first = busy
			e.Log.InfoContext(ctx, "waiting for a lease to run out", "lease", busy.Lease, "holder", busy.Holder, "left", busy.Left.Round(time.Millisecond))
		}
		timer := time.NewTimer(min(leasePoll, max(busy.Left, time.Millisecond)))
		select {
		case <-timer.C:
		case <-e.drain:
			timer.Stop()
			return nil, fmt.Errorf("stopped while waiting for %s: %w", busy.Holder, context.Canceled)
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("stopped while waiting for %s: %w", busy.Holder, ctx.Err())
		}
	}
}

// fail sets an outcome that has an error.
func (res *Result) fail(o Outcome, err error) {
	res.Outcome, res.Err, res.Reason = o, err, err.Error()
}

// brokenOff tells a run that was stopped from one that failed.
func (e *Engine) brokenOff(ctx context.Context, err error) Outcome {
	if ctx.Err() != nil || (e.Draining() && errors.Is(err, context.Canceled)) {
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

// FinishedRun is the message of the log line of a run.
const FinishedRun = "run finished"

func (e *Engine) log(ctx context.Context, res Result) {
	l := e.Log.With("stream", res.Stream, "outcome", res.Outcome, "run", res.RunID, "rows", cmp.Or(int64(res.Distinct), res.Read), "pages", res.Pages,
		"requests", res.Requests, "inserted", res.Inserted, "updated", res.Updated, "rejected", res.Rejected, "duration", res.Duration)
	if res.Reason != "" {
		l = l.With("reason", res.Reason)
	}
	if res.Err != nil {
		l = l.With("class", class(res.Err))
	}
	level := slog.LevelInfo
	switch {
	case res.Outcome == Failed, res.Outcome == Partial && res.Kind != store.KindFeed:
		level = slog.LevelWarn
	case res.Kind == store.KindFeed: // made every few seconds
		level = slog.LevelDebug
	}
	l.Log(ctx, level, FinishedRun)
}

// DisableStream prevents further runs of a stream until the next start, and records why. It also takes names that are no streams, such
// as feeds.
func (e *Engine) DisableStream(stream, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disabled[stream] = why
}

// IsDisabled: the name was disabled since the start.
func (e *Engine) IsDisabled(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.disabled[name] != ""
}

// withGaps is a context for requests that know which rows Polar could not render last time.
func (run *Run) withGaps(ctx context.Context) (context.Context, error) {
	places, err := run.record.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	return fetch.WithGaps(ctx, places), nil
}

// unstored says what this run could not store.
func (run *Run) unstored() (why []string) {
	if n := run.record.Counts.Rejected; n > 0 {
		why = append(why, fmt.Sprintf("%d items could not be stored: see sync_rejects", n))
	}
	if n := run.record.Counts.CopiesRefused; n > 0 {
		why = append(why, fmt.Sprintf("%d copies of rows of other streams could not be stored: see sync_rejects", n))
	}
	return why
}

// MarkPartial lowers the outcome to partial, and says what is missing.
func (run *Run) MarkPartial(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if run.res.Outcome == Partial {
		why = run.res.Reason + "; " + why
	}
	run.res.Outcome, run.res.Reason = Partial, why
}
