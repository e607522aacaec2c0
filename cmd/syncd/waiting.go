package main

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/sched"
	"syncd/internal/store"
)

const (
	// leaseMargin is how much later than a lease ends it is asked for.
	leaseMargin = 200 * time.Millisecond
	// leaseLives is how long to wait for a lease that was renewed meanwhile: its holder is at work.
	leaseLives = 5 * time.Minute
	// parentsEvery is how often to see whether parents have been read, parentsFor how long at most: they may never be.
	parentsEvery = 5 * time.Second
	parentsFor   = time.Hour
)

// waiting is what a sweep that is due waits for.
type waiting struct {
	what     string
	since    time.Time
	until    time.Time // end of the lease that was met; zero: none was
	complete time.Time // the complete sweep that stood then
}

// ready tells whether a sweep that waited was made by another process meanwhile. An error is what is still to be waited for.
func (d *daemonProcess) ready(ctx context.Context, stream string, w *waiting) (swept bool, err error) {
	if !w.until.IsZero() {
		complete, err := d.complete(ctx, stream)
		if err != nil {
			return false, err
		}
		if complete.After(w.complete) {
			d.log.InfoContext(ctx, "another process has made the sweep", "stream", stream)
			d.waits(stream, w, "")
			return true, nil
		}
	}
	parent, err := d.engine.runner.Waits(ctx, stream)
	if err != nil {
		return false, err
	}
	switch {
	case parent == "" || d.config().ScheduleOf(parent) == sched.Off:
		return false, nil
	case !w.since.IsZero() && time.Since(w.since) > parentsFor:
		return false, nil
	}
	what := fmt.Sprintf("a sweep of %s, for whose rows it is read", parent)
	d.waits(stream, w, what)
	return false, &sched.Again{After: parentsEvery, For: what}
}

// busy waits for a lease: until it ends, or, where it was renewed since it was met first, for a while.
func (d *daemonProcess) busy(ctx context.Context, stream string, w *waiting, busy *store.BusyError) error {
	after := busy.Left + leaseMargin
	switch {
	case w.until.IsZero():
		var err error
		if w.complete, err = d.complete(ctx, stream); err != nil {
			return err
		}
	case !w.until.Equal(busy.Until):
		after = leaseLives
	}
	w.until = busy.Until
	what := "the lease of " + busy.Holder
	d.waits(stream, w, what)
	return &sched.Again{After: after, For: what}
}

// waits keeps what a sweep waits for, to be shown, and logs it once; "" = nothing any more.
func (d *daemonProcess) waits(stream string, w *waiting, what string) {
	switch {
	case what == "":
		*w = waiting{}
		d.await.Delete(stream)
	case w.what != what:
		if w.since.IsZero() {
			w.since = time.Now()
		}
		w.what = what
		d.await.Store(stream, what)
		d.log.Info("a sweep waits", "stream", stream, "for", what)
	}
}

// complete is when the last complete sweep of a stream began.
func (d *daemonProcess) complete(ctx context.Context, stream string) (time.Time, error) {
	list, err := d.engine.store.Standings(ctx, []string{stream})
	if err != nil {
		return time.Time{}, err
	}
	return list[0].CompleteAt, nil
}
