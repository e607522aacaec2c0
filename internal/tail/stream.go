package tail

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/tails"
	"syncd/internal/tail/hooks"
)

// stream is one stream in a round.
type stream struct {
	*Follower
	s        *streams.Stream
	spec     Spec
	run      *mirror.Run // the stream's part of the round; it stores what the tail reads
	opened   bool        // run is its own; a round of feeds opens only the streams that it writes
	places   []string    // places of rows that Polar cannot render
	round    *round
	at       position
	probe    string    // name of the current probe
	swept    time.Time // start of the last complete sweep, as a Stamp of the store
	follows  bool      // its probes are asked in this round
	listens  bool      // it was never swept to its end: changes from the feeds are only recorded; run is idle
	through  time.Time // time of the newest stored change
	answered bool      // Polar has answered a probe of the stream's own
	sought   int       // requests of its slow probe beyond what it takes while nothing changes
	more     bool      // there may be more pending changes than the last that were fetched
	sweepDue string
	err      error
}

// open opens the stream's part of the round.
func (t *stream) open(ctx context.Context) error {
	if t.opened {
		return nil
	}
	return openAll(ctx, t.round.run, t)
}

// openAll opens the parts of streams in a run.
func openAll(ctx context.Context, run *mirror.Run, all ...*stream) error {
	var names []string
	for _, t := range all {
		names = append(names, t.s.Name)
	}
	parts, err := run.OpenParts(ctx, names...)
	if err != nil {
		return err
	}
	for i, t := range all {
		t.run = parts[i]
		if t.places, err = t.run.KnownGaps(ctx); err != nil {
			return err
		}
		t.opened = true
	}
	return nil
}

// ask asks one probe, and keeps its error for the end of the round.
func (t *stream) ask(ctx context.Context, p Probe) {
	if t.s.FellBack { // there is no list of all to be asked about
		return
	}
	t.attempt(func() error {
		t.probe = p.Name()
		if err := p.ask(ctx, t); !t.fallBack(ctx, err) {
			return err
		}
		return nil
	})
}

// fallBack goes over to the other way of reading the stream where an error says that Polar has ended its list.
func (t *stream) fallBack(ctx context.Context, err error) bool {
	if err == nil || !t.engine.FallBack(ctx, t.s.Name, err) {
		return false
	}
	t.s, t.spec = t.engine.Stream(t.s.Name), t.Follower.spec(t.s.Name)
	return true
}

// attempt does something unless an earlier attempt failed. It may be made within another one: the inner error stays.
func (t *stream) attempt(do func() error) {
	if t.err == nil {
		before := t.run.Requests()
		err := do()
		t.err = cmp.Or(t.err, err)
		t.answered = t.answered || t.err == nil && t.run.Requests() > before
	}
}

// fatal is an error that concerns all streams.
func (t *stream) fatal() error {
	if errors.Is(t.err, fetch.ErrAuth) && !t.s.Optional || errors.Is(t.err, context.Canceled) || errors.Is(t.err, store.ErrLeaseLost) {
		return t.err
	}
	return nil
}

// storeListed stores a page that a probe brought. Changes from the feeds that it shows need not be fetched.
func (t *stream) storeListed(ctx context.Context, page fetch.Page, field string) (newest time.Time, err error) {
	if newest, err = t.keep(ctx, page, field); err != nil {
		return newest, err
	}
	changed, err := t.kept().Changes().Settle(ctx, t.s.Name, tails.ByID, item.FieldIDs(page.Items), t.round.told, hooks.Always, 0)
	t.through = later(t.through, changed)
	return newest, err
}

// keep stores the items of a reply, and returns the newest value of a time field among them. A value later than the request does
// not count.
func (t *stream) keep(ctx context.Context, page fetch.Page, field string) (newest time.Time, err error) {
	if len(page.Items)+len(page.Gaps) == 0 {
		return newest, nil
	}
	if err := t.open(ctx); err != nil {
		return newest, err
	}
	if field != "" {
		if err := t.newcomers(ctx, page); err != nil {
			return newest, err
		}
	}
	if err := t.run.StorePage(ctx, page); err != nil {
		return newest, err
	}
	now := t.engine.Client.Now()
	for _, object := range page.Items {
		if at := item.FieldTime(object, field); !at.After(now) {
			newest = later(newest, at)
		}
	}
	t.through = later(t.through, newest)
	return newest, nil
}

// page reads one page of the stream's list, with these parameters beside its own.
func (t *stream) page(ctx context.Context, query map[string][]string) (fetch.Page, error) {
	q := withQuery(withQuery(url.Values{"limit": {"100"}, "page": {"1"}}, t.s.Query), query)
	page, err := t.engine.Client.SalvagePage(fetch.WithGaps(ctx, t.places), t.s.Path, q)
	t.run.CountRequests(page.Requests)
	return page, err
}

// start is a moment before which nothing happened that the last complete sweep missed, computed back from a time that Polar
// dated.
func (t *stream) start(newest time.Time) time.Time {
	if newest.IsZero() {
		return newest
	}
	return newest.Add(-t.at.Complete - t.overlap)
}

// stands tells where the stream stands, which has so many rows.
func (t *stream) stands(rows int64) (done tails.Tailed, err error) {
	t.at.Through = later(t.at.Through, t.through)
	by, _ := t.spec.covers(rows, t.round.access(t.at.Since))
	done = tails.Tailed{Stream: t.s.Name, Through: t.claim(by), SweepDue: t.sweepDue, CoveredBy: make([]string, 0, len(by))}
	for _, c := range by {
		done.CoveredBy = append(done.CoveredBy, c.shows)
	}
	if t.polled(by) {
		done.PolledAt = t.round.begun
	}
	if done.Position, err = json.Marshal(t.at); err != nil {
		return done, fmt.Errorf("position of the tail of %s: %w", t.s.Name, err)
	}
	return done, nil
}
