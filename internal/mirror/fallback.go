package mirror

import (
	"context"
	"errors"
	"sync/atomic"

	"syncd/internal/fetch"
)

// ways are those to read a stream.
type ways struct {
	own, other *prepared // other: nil where there is no fallback
	ended      atomic.Bool
}

// lookUp is a stream as it is read now; nil where none has the name.
func (e *Engine) lookUp(name string) *prepared {
	w := e.streams[name]
	switch {
	case w == nil:
		return nil
	case w.ended.Load():
		return w.other
	}
	return w.own
}

// FallBack tells whether an error says that Polar has ended the list of a stream, and there is another way to read it. Stream
// gives that from then on.
func (e *Engine) FallBack(ctx context.Context, stream string, err error) bool {
	w := e.streams[stream]
	refused, is := errors.AsType[*fetch.Error](err)
	if w == nil || w.other == nil || !is || !errors.Is(err, fetch.ErrEnded) || refused.Path != w.own.Path {
		return false
	}
	if !w.ended.Swap(true) {
		e.Log.WarnContext(ctx, "Polar has ended a list: it is read another way", "stream", stream, "path", w.own.Path, "status", refused.Status, "now", w.other.Path)
	}
	return true
}

// fallBack goes over to the other way of reading the stream where an error says so.
func (run *Run) fallBack(ctx context.Context, err error) bool {
	if err == nil || !run.engine.FallBack(ctx, run.name, err) {
		return false
	}
	run.s = run.engine.lookUp(run.name)
	return true
}

// readWhole is the work of a sweep. A list that Polar has ended is read anew in the other way, if there is one.
func readWhole(ctx context.Context, run *Run) error {
	w := run.engine.streams[run.name]
	run.s = w.own
	err := (&sweep{Run: run}).read(ctx)
	if !run.fallBack(ctx, err) {
		if err == nil && run.s == w.own && w.ended.Swap(false) {
			run.engine.Log.InfoContext(ctx, "Polar has a list again that it had ended", "stream", run.name, "path", w.own.Path)
		}
		return err
	}
	if err := run.record.RestartSweep(ctx, true); err != nil {
		return err
	}
	run.record.Checkpoint = nil
	return (&sweep{Run: run}).read(ctx)
}

// resumeFallback has a sweep that had fallen back go on so: its checkpoint names a parent, and that of a list by pages none.
func (sw *sweep) resumeFallback() {
	if w := sw.engine.streams[sw.name]; w.other != nil && sw.from.Key != "" {
		w.ended.Store(true)
		sw.s = w.other
	}
}
