package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/humanize"
	"syncd/internal/mirror/ahead"
	"syncd/internal/store"
)

// sweep is a run that reads a stream from end to end and then proves it: as many different ids must have come as Polar counts.
type sweep struct {
	*Run
	span    *span       // the window of time to read; nil = the whole list
	places  []string    // places of rows that Polar cannot render
	from    scan.Cursor // where the last page was read from
	gone    string      // parents that Polar did not find: see scan.Cursor
	tied    int         // rows with equal sort values that no request brought
	whole   int         // rows by the last page's count; -1 where it does not tell
	base    int         // rows of this sweep that earlier runs stored, for progress
	dropped bool        // total_count fell during this pass: received rows may be gone
	had     int64       // different ids of this sweep when this run began
	counted tally       // Polar's counts of the whole list
}

const (
	maxPasses = 3 // over the whole list, including the first
	maxNews   = 5 // over the end of the list where new rows land
)

// read reads the list, then what it takes to account for every row, and sets the verdict. It goes on in steps of growing cost:
// the end of the list where new rows land, then the whole list again. Each step is bounded, so a server that counts wrongly ends
// the sweep as incomplete and does not keep it busy for ever.
func (sw *sweep) read(ctx context.Context) error {
	if err := sw.prepare(ctx); err != nil {
		return err
	}
	if sw.record.Checkpoint != nil {
		if err := json.Unmarshal(sw.record.Checkpoint, &sw.from); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", sw.s.Name, err)
		}
		sw.resumeFallback()
		n, err := sw.record.CountDistinct(ctx)
		if err != nil {
			return err
		}
		sw.base, sw.had = int(n), n
	}
	ctx, err := sw.withGaps(ctx)
	if err != nil {
		return err
	}
	if err := sw.scan(ctx, sw.from); err != nil {
		return err
	}
	passes, news, known := 1, 0, int64(-1)
	// Rows that vanished unseen, before or during this run, may be balanced by rows that came.
	_, numbered := sw.s.Scan.(scan.Offset)
	stirred := numbered && sw.record.Checkpoint != nil
	for {
		c, err := sw.compare(ctx)
		if err != nil {
			return err
		}
		gone := sw.dropped || c.distinct+c.gaps > c.total // some received ids may be of rows that are gone
		moved := stirred || numbered && sw.dropped
		switch {
		case c.accounted() && (news > 0 || !moved):
			sw.certify(c)
			if sw.span != nil || sw.closing.Verdict == "incomplete" {
				return nil // a row that a window lacks may have moved out of it
			}
			why, err := sw.parents(ctx)
			if why != "" {
				sw.closing.Verdict = "incomplete"
				sw.MarkPartial("%s", why)
			}
			if err != nil || why != "" {
				return err
			}
			if c.unidentified+c.gaps > 0 {
				return nil // such a row may be the one that seems absent
			}
			if err := sw.deletions(ctx); err != nil {
				return err
			}
			return sw.link(ctx)
		case c.accounted(), !gone && news < maxNews && c.distinct > known:
			news, known = news+1, c.distinct
			err = sw.news(ctx)
		case passes < maxPasses && !c.tied():
			passes, news, known, stirred = passes+1, 0, -1, false
			err = sw.again(ctx, gone)
		default:
			sw.certify(c)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// comparison holds what was received and what Polar counts; total is -1 where Polar does not count. Gaps are rows that Polar
// counts and cannot render: they are accounted for, and missing all the same. Copies are rows that Polar may not count, known
// only from copies, which could not be stored. Ties are rows that Polar counts and no request brings, because their sort values
// are equal. Unexplained were dropped as older than what is stored, and nothing tells why.
type comparison struct{ distinct, unidentified, gaps, copies, ties, unexplained, total int64 }

// accounted: reading again would bring nothing new.
func (c comparison) accounted() bool {
	return c.total < 0 || c.distinct+c.unidentified+c.gaps == c.total
}

// tied: all missing rows are ties, and the same requests would have the same answers.
func (c comparison) tied() bool {
	return c.ties > 0 && c.distinct+c.unidentified+c.gaps+c.ties == c.total
}

func (sw *sweep) compare(ctx context.Context) (c comparison, err error) {
	e, err := sw.record.Evidence(ctx)
	if err != nil {
		return c, err
	}
	sw.places = e.Gaps
	c.distinct, c.gaps, c.copies, c.unexplained = e.Distinct, int64(len(e.Gaps)), e.RefusedCopies, e.Unexplained
	if sw.record.Counts.Rejected > 0 || sw.base > 0 {
		c.unidentified = e.Unidentified
	}
	if counter, ok := sw.s.Scan.(scan.Counter); ok && sw.whole < 0 {
		n, err := counter.Count(ctx, sw.engine.Client, sw.s.Path, sw.s.Query)
		sw.requests += int64(n.Requests)
		if err != nil {
			return c, fmt.Errorf("count %s at the end of the sweep: %w", sw.s.Name, err)
		}
		sw.whole = n.Total
		sw.counted.record(n.Total)
	}
	sw.res.Total = sw.whole
	c.total, c.ties = int64(sw.whole), int64(sw.tied)
	return c, nil
}

// certify sets the verdict of a sweep that was read to its end.
func (sw *sweep) certify(c comparison) {
	sw.closing.SweepEnded, sw.closing.Distinct, sw.closing.Verdict = true, &c.distinct, "complete"
	sw.res.Distinct = int(c.distinct)
	again := max(0, sw.record.Counts.Read-c.unidentified-(c.distinct-sw.had))
	sw.closing.Duplicates = &again
	sw.counted.closeInto(&sw.closing)
	sw.closing.Accounted = c.accounted() && sw.span == nil
	if c.gaps > 0 {
		sw.closing.Verdict = fmt.Sprintf("incomplete: %d rows cannot be rendered by Polar", c.gaps)
		sw.MarkPartial("%d rows cannot be rendered by Polar: %s: see sync_rejects", c.gaps, humanize.Some(sw.places))
	}
	switch {
	case c.accounted():
	case c.tied():
		sw.closing.Verdict = fmt.Sprintf("incomplete: %d rows with equal times cannot be told apart", c.ties)
		sw.MarkPartial("%d rows with equal times cannot be told apart: Polar orders them anew for each page, and whatever was asked gave others of them; rows that come or go move the pages, so a later run may get them", c.ties)
	default:
		sw.closing.Verdict = "incomplete"
		sw.MarkPartial("%d different rows were read, Polar counts %d: rows come and go faster than they can be read, or its count is wrong; the next run reads again", c.distinct+c.unidentified+c.gaps, c.total)
	}
	if c.copies > 0 {
		sw.MarkPartial("%d rows are known from copies inside other objects only, which could not be stored: see sync_rejects", c.copies)
	}
	for _, why := range sw.unstored() {
		sw.MarkPartial("%s", why)
	}
	if c.unexplained > 0 {
		sw.closing.Verdict = "incomplete"
		sw.MarkPartial("%d rows were dropped as older than what is stored, and nothing tells what was requested later: the clock of a host or of the database was wrong; the next run reads again", c.unexplained)
	}
}

// scan reads and stores from a position on until the scan is done.
func (sw *sweep) scan(ctx context.Context, from scan.Cursor) (err error) {
	defer func() { // also what was sent before an error
		if landed := sw.notePut(sw.record.Land(ctx)); err == nil {
			err = landed
		}
	}()
	sw.from, sw.tied, sw.whole = from, from.Tied, -1
	ready := ahead.Read(ctx, sw.engine.Ahead, sw.engine.Room, parsed.weight, sw.record.Free, func(ctx context.Context) iter.Seq2[parsed, error] {
		return sw.parsing(ahead.Next(ctx, func(ctx context.Context) iter.Seq2[scan.Page, error] {
			return sw.s.Scan.Pages(ctx, sw.engine.Client, sw.s.Path, sw.s.Query, from)
		}))
	})
	for pages, err := range ready {
		if err != nil {
			for _, page := range pages {
				sw.requests += int64(page.Requests)
			}
			return err
		}
		if err := sw.putAll(ctx, pages); err != nil {
			return err
		}
		for _, page := range pages {
			sw.tied, sw.gone = page.Next.Tied, page.Next.Gone
			sw.dropped = sw.dropped || page.Whole >= 0 && page.Whole < sw.whole
			sw.whole = page.Whole
			sw.counted.record(page.Whole)
			if page.Done {
				sw.progress(page.Page)
				return nil
			}
			sw.from = page.Next
		}
		sw.progress(pages[len(pages)-1].Page)
	}
	return fmt.Errorf("%w: the scan of %s ended without its last page", fetch.ErrContract, sw.s.Name)
}

// putAll hands pages of the scan to the store, together. If one cannot be stored, those before it are.
func (sw *sweep) putAll(ctx context.Context, read []parsed) error {
	pages := make([]store.Page, 0, len(read))
	var failed error
	for _, page := range read {
		sw.requests += int64(page.Requests)
		p, err := sw.page(page, sw.position(page.Next))
		if err != nil {
			failed = err
			break
		}
		pages = append(pages, p)
	}
	if err := sw.putAhead(ctx, pages...); err != nil {
		return err
	}
	return failed
}

// news reads the end of the list where new rows land. A scan by page number begins at that end, and stops here at the first page
// without a new row; other scans go on from where they ended.
func (sw *sweep) news(ctx context.Context) error {
	offset, numbered := sw.s.Scan.(scan.Offset)
	if !numbered {
		return sw.scan(ctx, sw.from)
	}
	known, err := sw.record.CountDistinct(ctx)
	if err != nil {
		return err
	}
	for page, err := range offset.Pages(ctx, sw.engine.Client, sw.s.Path, sw.s.Query, scan.Cursor{}) {
		sw.requests += int64(page.Requests)
		if err != nil {
			return err
		}
		page.Gaps = nil // they were recorded where they stood before
		if err := sw.store(ctx, page.Page, sw.position(sw.from)); err != nil {
			return err
		}
		if page.Whole >= 0 {
			sw.whole = page.Whole
			sw.counted.record(page.Whole)
		}
		n, err := sw.record.CountDistinct(ctx)
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
func (sw *sweep) again(ctx context.Context, forget bool) error {
	if err := sw.record.RestartSweep(ctx, forget); err != nil {
		return err
	}
	sw.dropped = false
	if forget {
		sw.base, sw.had = -int(sw.record.Counts.Read), 0
	}
	return sw.scan(ctx, scan.Cursor{})
}

func (sw *sweep) progress(page scan.Page) {
	sw.res.Total = page.Total
	if page.Total >= 0 {
		sw.res.Total += max(0, sw.base)
	}
	sw.engine.Observer.PageStored(sw.s.Name, max(0, sw.base+int(sw.record.Counts.Read)), sw.res.Total)
}
