package daemon

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/sched"
	"syncd/internal/store"
)

const (
	// leaseMargin is how long after the end of another process's lease the sweep tries again.
	leaseMargin = 200 * time.Millisecond
	// leaseRenewed is how long to wait for a lease that was renewed meanwhile: its holder is at work.
	leaseRenewed = 5 * time.Minute
	// roundsEvery is how often a round of tails tries to take its lease.
	roundsEvery = 5 * time.Second
	// parentsEvery is how often to check whether parents have been read, beside each time that this process has swept something.
	// parentsFor is for how long at most: they may never be.
	parentsEvery = 30 * time.Second
	parentsFor   = time.Hour
)

// waiting is what a sweep that is due waits for.
type waiting struct {
	what     string
	since    time.Time
	until    time.Time // end of the lease that is in the way; zero: none
	complete time.Time // start of the last complete sweep at that time
}

// awaitParent returns *sched.Again while a sweep must wait for a parent stream, whose rows it needs. swept is true if the sweep
// waited for a lease and another process made it meanwhile.
func (d *Runner) awaitParent(ctx context.Context, stream string, w *waiting) (swept bool, err error) {
	if !w.until.IsZero() {
		complete, err := d.lastComplete(ctx, stream)
		if err != nil {
			return false, err
		}
		if complete.After(w.complete) {
			d.Log.InfoContext(ctx, "another process has made the sweep", "stream", stream)
			d.stopWaiting(stream, w)
			return true, nil
		}
	}
	parent, err := d.org.Mirror.AwaitedParent(ctx, stream)
	if err != nil {
		return false, err
	}
	switch {
	case parent == "" || d.config().ScheduleOf(parent) == sched.Off:
		return false, nil
	case !w.since.IsZero() && time.Since(w.since) > parentsFor:
		return false, nil
	}
	what := fmt.Sprintf("a sweep of %s, its parent stream", parent)
	d.showWaiting(stream, w, what)
	return false, &sched.Again{After: parentsEvery, For: what}
}

// awaitLease returns *sched.Again for a sweep that met the lease of another process. It waits until the lease ends or, if the
// lease was renewed since the first try, for leaseRenewed.
func (d *Runner) awaitLease(ctx context.Context, stream string, w *waiting, busy *store.BusyError) error {
	after := busy.Left + leaseMargin
	switch {
	case w.until.IsZero():
		var err error
		if w.complete, err = d.lastComplete(ctx, stream); err != nil {
			return err
		}
	case !w.until.Equal(busy.Until):
		after = leaseRenewed
	}
	w.until = busy.Until
	what := "the lease of " + busy.Holder
	d.showWaiting(stream, w, what)
	return &sched.Again{After: after, For: what}
}

// awaitRound returns *sched.Again for a round of tails that met the lease of another process. That process makes a round of feeds,
// which takes a moment, or it has died. Only if it makes a round of tails itself, this one is left out.
func (d *Runner) awaitRound(ctx context.Context, busy *store.BusyError) error {
	last, err := d.org.Store.Streams().LastRound(ctx)
	if err != nil {
		return err
	}
	if d.tailed && last.Outcome == "running" {
		return nil
	}
	return &sched.Again{After: min(busy.Left, roundsEvery) + leaseMargin, For: "the lease of " + busy.Holder}
}

// showWaiting records what a sweep waits for, so that /status shows it, and logs it once.
func (d *Runner) showWaiting(stream string, w *waiting, what string) {
	if w.what == what {
		return
	}
	if w.since.IsZero() {
		w.since = time.Now()
	}
	w.what = what
	d.waits.Store(stream, what)
	d.Log.Info("a sweep waits", "stream", stream, "for", what)
}

// stopWaiting clears the record.
func (d *Runner) stopWaiting(stream string, w *waiting) {
	*w = waiting{}
	d.waits.Delete(stream)
}

// lastComplete is when the last complete sweep of a stream began.
func (d *Runner) lastComplete(ctx context.Context, stream string) (time.Time, error) {
	list, err := d.org.Store.Streams().Standings(ctx, []string{stream})
	if err != nil {
		return time.Time{}, err
	}
	return list[0].CompleteAt, nil
}
