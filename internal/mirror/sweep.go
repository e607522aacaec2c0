package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/item"
	"syncd/internal/store"
)

// sweep is a run that reads a stream from end to end and then proves that it
// did: the different ids it received must be as many as Polar counts.
type sweep struct {
	r        *Runner
	s        *prepared
	run      *store.Run
	res      *Result
	requests int64
	closing  store.Closing
	drift    item.Drift
	splitter item.Splitter
	known    map[copyOf]struct{} // rows of other streams that are there, or were tried
	places   []string            // of rows that Polar cannot render
	refused  int                 // rows of other streams of which not even the copies in here could be stored
	force    bool                // rewrite also what seems to be unchanged
	fresh    atomic.Bool         // most of the last page was new: so is the next one, likely, which is being read meanwhile
	span     *span               // the window of time that is read; nil = the whole list

	from    fetch.Cursor // where the last page was read from
	gone    string       // parents that Polar did not find: see fetch.Cursor
	tied    int          // rows with equal sort values that no question brought
	whole   int          // rows there are by the last page's count; -1 where that does not tell
	base    int          // for progress: rows of this sweep that earlier runs stored
	dropped bool         // total_count fell during this pass: ids received may be gone
	had     int64        // different ids of this sweep that this run began with
	counted tally        // of the whole list, as often as Polar told it
}

const (
	maxPasses = 3 // over the whole list, the first included
	maxNews   = 5 // rounds over the end of the list where new rows land
)

// guarded turns a panic into a failed run: a bug met in one stream must not
// take the others down, nor leave a run open that nobody is making.
func (sw *sweep) guarded(ctx context.Context, do work) {
	defer func() {
		if p := recover(); p != nil {
			sw.r.Log.ErrorContext(ctx, "panic", "stream", sw.s.Name, "panic", p, "stack", string(debug.Stack()))
			sw.res.fail(Failed, fmt.Errorf("bug in syncd: panic: %v", p))
		}
	}()
	sw.leased(ctx, do)
}

// leased does the work while the lease is renewed, and turns an error into an outcome.
func (sw *sweep) leased(ctx context.Context, do work) {
	// Reads are given up at once when the process is to stop; a write under way is finished.
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		sw.renew(reading, stopReading)
	}()
	err := do(sw, ctx, reading)
	if cause := context.Cause(reading); err != nil && errors.Is(cause, store.ErrLeaseLost) {
		err = cause
	}
	stopReading(nil)
	<-renewed

	switch {
	case err == nil:
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
			sw.r.noteAnswer(ctx)
			// Any other error than a lost lease will show at the next page as well.
			if err := sw.run.Renew(ctx); errors.Is(err, store.ErrLeaseLost) {
				stop(err)
				return
			}
		}
	}
}

// read reads the list, then what it takes to account for every row, and sets
// the verdict. It works in steps of growing cost: the end of the list again,
// where rows land that are new; the whole list. Each is bounded, so that a
// server that counts wrongly ends the sweep as incomplete and does not keep it
// for ever.
func (sw *sweep) read(ctx, reading context.Context) error {
	if err := sw.prepare(ctx); err != nil {
		return err
	}
	if sw.run.Checkpoint != nil {
		if err := json.Unmarshal(sw.run.Checkpoint, &sw.from); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", sw.s.Name, err)
		}
		n, err := sw.run.Distinct(ctx)
		if err != nil {
			return err
		}
		sw.base, sw.had = int(n), n
	}
	reading, err := sw.withGaps(ctx, reading)
	if err != nil {
		return err
	}
	if err := sw.scan(ctx, reading, sw.from); err != nil {
		return err
	}
	passes, news, known := 1, 0, int64(-1)
	// What came or went while nobody looked, or went while this run looked, may be balanced by what came.
	_, numbered := sw.s.Scan.(fetch.Offset)
	stirred := numbered && sw.run.Checkpoint != nil
	for {
		c, err := sw.compare(ctx, reading)
		if err != nil {
			return err
		}
		gone := sw.dropped || c.distinct+c.gaps > c.total // ids received may be those of rows that are gone
		moved := stirred || numbered && sw.dropped
		switch {
		case c.accounted() && (news > 0 || !moved):
			err := sw.certify(ctx, c)
			if err != nil || sw.span != nil || sw.closing.Verdict == "incomplete" {
				return err // what a window lacks may lie outside by now
			}
			why, err := sw.parents(ctx)
			if why != "" {
				sw.closing.Verdict = "incomplete"
				sw.partial("%s", why)
			}
			if err != nil || why != "" {
				return err
			}
			if c.unidentified+c.gaps > 0 {
				return nil // one of those may be the very row that seems to be absent
			}
			if err := sw.deletions(ctx, reading); err != nil {
				return err
			}
			return sw.link(ctx)
		case c.accounted(), !gone && news < maxNews && c.distinct > known:
			news, known = news+1, c.distinct
			err = sw.news(ctx, reading)
		case passes < maxPasses && !c.tied():
			passes, news, known, stirred = passes+1, 0, -1, false
			err = sw.again(ctx, reading, gone)
		default:
			return sw.certify(ctx, c)
		}
		if err != nil {
			return err
		}
	}
}

// comparison of what was received with what Polar counts; total is -1 where Polar does not count.
// Gaps are rows that Polar counts and cannot render: they are accounted for, and missing all the same.
// Copies are rows that it need not count, and of which only a copy came, which could not be stored.
// Ties are rows that Polar counts and gives to no question, because their sort values are equal.
type comparison struct{ distinct, unidentified, gaps, copies, ties, total int64 }

// accounted: reading again would bring nothing that is not known of.
func (c comparison) accounted() bool {
	return c.total < 0 || c.distinct+c.unidentified+c.gaps == c.total
}

// tied: what is missing is what could not be told apart, and the same questions would have the same answers.
func (c comparison) tied() bool {
	return c.ties > 0 && c.distinct+c.unidentified+c.gaps+c.ties == c.total
}

func (sw *sweep) compare(ctx, reading context.Context) (c comparison, err error) {
	if c.distinct, err = sw.run.Distinct(ctx); err != nil {
		return c, err
	}
	if sw.run.Counts.Rejected > 0 || sw.base > 0 {
		if c.unidentified, err = sw.run.Unidentified(ctx); err != nil {
			return c, err
		}
	}
	if sw.places, err = sw.run.Gaps(ctx, false); err != nil {
		return c, err
	}
	c.gaps = int64(len(sw.places))
	if c.copies, err = sw.run.RefusedCopies(ctx); err != nil {
		return c, err
	}
	if counter, ok := sw.s.Scan.(fetch.Counter); ok && sw.whole < 0 {
		n, err := counter.Count(reading, sw.r.Client, sw.s.Path, sw.s.Query)
		sw.requests += int64(n.Requests)
		if err != nil {
			return c, fmt.Errorf("count %s at the end of the sweep: %w", sw.s.Name, err)
		}
		sw.whole = n.Total
		sw.counted.tell(n.Total)
	}
	sw.res.Total = sw.whole
	c.total, c.ties = int64(sw.whole), int64(sw.tied)
	return c, nil
}

// certify sets the verdict of a sweep that was read to its end.
func (sw *sweep) certify(ctx context.Context, c comparison) error {
	unexplained, err := sw.run.Unexplained(ctx)
	if err != nil {
		return err
	}
	sw.closing.SweepEnded, sw.closing.Distinct, sw.closing.Verdict = true, &c.distinct, "complete"
	sw.res.Distinct = int(c.distinct)
	again := max(0, sw.run.Counts.Read-c.unidentified-(c.distinct-sw.had))
	sw.closing.Duplicates = &again
	sw.counted.close(&sw.closing)
	sw.closing.Accounted = c.accounted() && sw.span == nil
	if c.gaps > 0 {
		sw.closing.Verdict = fmt.Sprintf("incomplete: %d rows cannot be rendered by Polar", c.gaps)
		sw.partial("%d rows cannot be rendered by Polar: %s: see sync_rejects", c.gaps, some(sw.places))
	}
	switch {
	case c.accounted():
	case c.tied():
		sw.closing.Verdict = fmt.Sprintf("incomplete: %d rows with equal times cannot be told apart", c.ties)
		sw.partial("%d rows with equal times cannot be told apart: Polar orders them anew for each page, and whatever was asked gave others of them; rows that come or go move the pages, so a later run may get them", c.ties)
	default:
		sw.closing.Verdict = "incomplete"
		sw.partial("%d different rows were read, Polar counts %d: rows come and go faster than they can be read, or its count is wrong; the next run reads again", c.distinct+c.unidentified+c.gaps, c.total)
	}
	if c.copies > 0 {
		sw.partial("%d rows are known from copies inside other objects only, which could not be stored: see sync_rejects", c.copies)
	}
	for _, why := range sw.unstored() {
		sw.partial("%s", why)
	}
	if unexplained > 0 {
		sw.closing.Verdict = "incomplete"
		sw.partial("%d rows were dropped as older than what is stored, and nothing tells what was requested later: the clock of a host or of the database was wrong; the next run reads again", unexplained)
	}
	return nil
}

// some of the texts, for a message.
func some(texts []string) string {
	const named = 3
	if more := len(texts) - named; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:named], ", "), more)
	}
	return strings.Join(texts, ", ")
}

// withGaps is a context for requests that know of the rows which Polar could not render when last asked.
func (sw *sweep) withGaps(ctx, reading context.Context) (context.Context, error) {
	places, err := sw.run.Gaps(ctx, true)
	if err != nil {
		return nil, err
	}
	return fetch.WithGaps(reading, places), nil
}

// unstored says what this run met and could not store.
func (sw *sweep) unstored() (why []string) {
	if n := sw.run.Counts.Rejected; n > 0 {
		why = append(why, fmt.Sprintf("%d items could not be stored: see sync_rejects", n))
	}
	if sw.refused > 0 {
		why = append(why, fmt.Sprintf("%d copies of rows of other streams could not be stored: see sync_rejects", sw.refused))
	}
	return why
}

// partial lowers the outcome: something is missing, and this is why.
func (sw *sweep) partial(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if sw.res.Outcome == Partial {
		why = sw.res.Reason + "; " + why
	}
	sw.res.Outcome, sw.res.Reason = Partial, why
}

// scan reads and stores from a position until the scan is done.
func (sw *sweep) scan(ctx, reading context.Context, from fetch.Cursor) error {
	sw.from, sw.tied, sw.whole = from, from.Tied, -1
	pages := ahead(reading, func(ctx context.Context) iter.Seq2[parsed, error] {
		return sw.parsing(sw.s.Scan.Pages(ctx, sw.r.Client, sw.s.Path, sw.s.Query, from))
	})
	for page, err := range pages {
		sw.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		if err := sw.put(ctx, page, page.Next); err != nil {
			return err
		}
		sw.tied, sw.gone = page.Next.Tied, page.Next.Gone
		sw.dropped = sw.dropped || page.Whole >= 0 && page.Whole < sw.whole
		sw.whole = page.Whole
		sw.counted.tell(page.Whole)
		sw.progress(page.Page)
		if page.Done {
			return nil
		}
		sw.from = page.Next
	}
	return fmt.Errorf("%w: the scan of %s ended without its last page", fetch.ErrContract, sw.s.Name)
}

// news reads the end of the list where new rows land. A scan by page number
// begins there, and ends for this purpose with the first page that brings
// nothing new; others go on from where they ended.
func (sw *sweep) news(ctx, reading context.Context) error {
	offset, numbered := sw.s.Scan.(fetch.Offset)
	if !numbered {
		return sw.scan(ctx, reading, sw.from)
	}
	known, err := sw.run.Distinct(ctx)
	if err != nil {
		return err
	}
	for page, err := range offset.Pages(reading, sw.r.Client, sw.s.Path, sw.s.Query, fetch.Cursor{}) {
		sw.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		page.Gaps = nil // they have been met where they stood before
		if err := sw.store(ctx, page, sw.from); err != nil {
			return err
		}
		if page.Whole >= 0 {
			sw.whole = page.Whole
			sw.counted.tell(page.Whole)
		}
		n, err := sw.run.Distinct(ctx)
		if err != nil {
			return err
		}
		if page.Done || n == known {
			break
		}
		known = n
	}
	if offset.Each != nil {
		sw.whole = -1
	}
	return nil
}

// again reads the whole list once more.
func (sw *sweep) again(ctx, reading context.Context, forget bool) error {
	if err := sw.run.Restart(ctx, forget); err != nil {
		return err
	}
	sw.dropped = false
	if forget {
		sw.base, sw.had = -int(sw.run.Counts.Read), 0
	}
	return sw.scan(ctx, reading, fetch.Cursor{})
}

func (sw *sweep) progress(page fetch.Page) {
	sw.res.Total = page.Total
	if page.Total >= 0 {
		sw.res.Total += max(0, sw.base)
	}
	sw.r.Observer.PageStored(sw.s.Name, max(0, sw.base+int(sw.run.Counts.Read)), sw.res.Total)
}
