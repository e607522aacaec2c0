package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/spelling"
	"syncd/internal/store"
)

// closeWithin bounds the last writes of a run whose context has ended: closing
// its row and giving the lease back.
const closeWithin = 5 * time.Second

// Once makes one run of one stream: lease, pages, verdict, closed row. Whatever
// happens is in the Result, and logged once, here.
func (r *Runner) Once(ctx context.Context, stream string) Result {
	return r.run(ctx, stream, store.KindSweep, (*sweep).read)
}

// work is what a run does while it has the lease: ctx is for writes, reading for requests.
type work func(sw *sweep, ctx, reading context.Context) error

func (r *Runner) run(ctx context.Context, stream, kind string, do work) Result {
	return r.make(ctx, stream, kind, do, func() (*store.Run, error) {
		return r.begin(ctx, func() (*store.Run, error) { return r.Store.Begin(ctx, stream, kind, r.holder, r.LeaseTTL) })
	})
}

// beside makes a run that writes beside the sweep of its stream: without a
// lease, and without a checkpoint that could move.
func (r *Runner) beside(ctx context.Context, stream, kind string, do work) Result {
	return r.make(ctx, stream, kind, do, func() (*store.Run, error) { return r.Store.Open(ctx, stream, kind, r.holder) })
}

func (r *Runner) make(ctx context.Context, stream, kind string, do work, begin func() (*store.Run, error)) Result {
	ctx = fetch.WithPriority(ctx, r.priorityOf(stream, kind))
	start := time.Now()
	res := Result{Stream: stream, Kind: kind, Total: -1}
	r.Observer.RunStarted(stream)
	r.once(ctx, stream, &res, do, begin)
	res.Duration = time.Since(start)
	r.log(ctx, res)
	r.Observer.RunFinished(res)
	return res
}

func (r *Runner) once(ctx context.Context, name string, res *Result, do work, begin func() (*store.Run, error)) {
	s := r.streams[name]
	if name == TailStream {
		s = &prepared{Stream: Stream{Name: TailStream}}
	}
	if s == nil {
		res.fail(Failed, &UnknownStreamError{Name: name, Nearest: spelling.Nearest(name, r.Names())})
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
	run, err := begin()
	if errors.Is(err, store.ErrBusy) {
		res.fail(Skipped, err)
		return
	}
	if err != nil {
		res.fail(r.brokenOff(ctx, err), err)
		return
	}
	res.RunID, res.Resumed, res.StartedAt = run.ID, run.Checkpoint != nil, run.StartedAt

	res.Outcome = Succeeded
	sw := &sweep{r: r, s: s, run: run, res: res}
	sw.splitter.Drift = &sw.drift
	sw.guarded(ctx, do)

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
	sw.recordDrift(last)
	r.noteAnswer(last)
	if err := run.Finish(last, closing); err != nil {
		// An outcome that could not be recorded is not a success: another process
		// may have the lease, and will read the sweep again.
		res.fail(Failed, errors.Join(res.Err, err))
	}
}

// leasePoll is how often a lease is asked for again that is waited for.
const leasePoll = 250 * time.Millisecond

// begin opens a run. With WaitForLease it waits for a lease that runs out; that
// of a process which lives is renewed meanwhile, and not waited for any longer.
func (r *Runner) begin(ctx context.Context, take func() (*store.Run, error)) (*store.Run, error) {
	var first *store.BusyError
	for {
		run, err := take()
		busy, is := errors.AsType[*store.BusyError](err)
		if !is || !r.WaitForLease || first != nil && !busy.Until.Equal(first.Until) {
			return run, err
		}
		if first == nil {
			first = busy
			r.Log.InfoContext(ctx, "waiting for a lease to run out", "lease", busy.Lease, "holder", busy.Holder, "left", busy.Left.Round(time.Millisecond))
		}
		timer := time.NewTimer(min(leasePoll, max(busy.Left, time.Millisecond)))
		select {
		case <-timer.C:
		case <-r.drain:
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

func (r *Runner) disable(stream, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disabled[stream] = why
}
