package mirror

import (
	"context"
	"errors"

	"syncd/internal/fetch"
	"syncd/internal/store"
)

// A run may be of several streams. It then has a part for each, which stores what the run reads of that stream. A part is a Run
// itself, with counts and requests of its own; the run adds them when it is done with the stream.

// RunOfSeveral makes a run of several streams. Its own name identifies its record and its lease.
func (e *Engine) RunOfSeveral(ctx context.Context, name, kind string, do Work) Result {
	return e.do(ctx, spec{name, kind, ofSeveral}, do)
}

// OpenParts opens the parts of streams.
func (run *Run) OpenParts(ctx context.Context, streams ...string) ([]*Run, error) {
	records, err := run.record.ForStreams(ctx, run.res.Kind, streams...)
	if err != nil {
		return nil, err
	}
	parts := make([]*Run, len(streams))
	for i, stream := range streams {
		parts[i] = run.engine.newRun(run.engine.lookUp(stream), stream, records[i], &Result{Stream: stream, Outcome: Succeeded})
	}
	return parts, nil
}

// IdlePart is the part of a stream that stores nothing.
func (run *Run) IdlePart(stream string) *Run {
	return run.engine.newRun(run.engine.lookUp(stream), stream, &store.Run{}, &Result{Stream: stream})
}

// TakeIn adds to the run what a part has stored, records the part's drift, and returns what the part could not store. It does not
// add the part's requests: see CountRequests.
func (run *Run) TakeIn(ctx context.Context, part *Run) (unstored []string) {
	run.record.Counts.Add(part.record.Counts)
	run.res.Deleted += part.res.Deleted
	unstored = part.unstored()
	part.recordDrift(ctx)
	return unstored
}

// CountRequests adds to the requests of the run.
func (run *Run) CountRequests(n int) { run.requests += int64(n) }

// Requests is how many requests the run has sent so far.
func (run *Run) Requests() int64 { return run.requests }

// Counts are of what the run has stored so far.
func (run *Run) Counts() store.Counts { return run.record.Counts }

// StorePage takes the items of a page apart and stores them. The stream's checkpoint does not move.
func (run *Run) StorePage(ctx context.Context, page fetch.Page) error {
	return run.store(ctx, page, nil)
}

// KnownGaps are the places of rows that Polar could not render when last asked: see fetch.WithGaps.
func (run *Run) KnownGaps(ctx context.Context) ([]string, error) { return run.record.Gaps(ctx) }

// AddError adds an error to the result of the run, which goes on. Call MarkPartial to say what is missing because of it.
func (run *Run) AddError(err error) { run.res.Err = errors.Join(run.res.Err, err) }
