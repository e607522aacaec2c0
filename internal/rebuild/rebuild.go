package rebuild

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/scan"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/store/history"
)

// eventsTable is where events are kept that the table events lacks. It is read like a stream, and is none: it is never swept.
const eventsTable = "sync_history_events"

// events is the list of Polar's events about subscriptions.
func events() streams.Stream {
	var names []string
	for name := range tells {
		if strings.HasPrefix(name, "subscription.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return streams.Stream{Name: eventsTable, Path: "/v1/events/", Scope: "events:read",
		Query:    url.Values{"source": {"system"}, "name": names},
		Blind:    "events that Polar dates back into it later",
		Scan:     scan.Windows{Field: "timestamp", After: "start_timestamp", Before: "end_timestamp", Split: []string{"name", "customer_id"}},
		Embedded: []string{"customer", "label", "source", "external_customer_id", "member_id", "external_member_id", "parent_id", "child_count"},
		Table:    store.TableOf((*db.Queries).SyncHistoryEventsUpsert),
	}
}

// Options of a rebuild.
type Options struct {
	Trial bool // write no change, and read no events from Polar
	Again bool // read events that an earlier rebuild has read
}

// Report is what was rebuilt.
type Report struct {
	Subscriptions int            // that were there when changes began to be recorded
	Changes       int            // that are known of them from before
	Versions      map[string]int // these by changes.source
	From, Until   time.Time      // the first change, and when changes began to be recorded
	Replaced      int            // subscriptions of which other changes are known than before
	Written       int            // changes of these
	Read          *mirror.Result // of the run that read events from Polar; nil: they were here
	Unread        *scan.Estimate // of the events that a trial would have had to read; nil: they are here
}

// ErrNothing: there is no time to rebuild yet.
var ErrNothing = errors.New("changes of subscriptions are not recorded yet, so there is no time before that to rebuild: run `syncd sync` first")

// batch is how many subscriptions are rebuilt in one transaction.
const batch = 500

// Run rebuilds the history of subscriptions from before changes were recorded. It may run at any time beside others: what it rebuilds
// ends where recorded changes begin.
func Run(ctx context.Context, e *mirror.Engine, o Options) (r Report, err error) {
	past := history.New(e.Store.Pool())
	span, err := past.Span(ctx)
	if err != nil {
		return r, err
	}
	if span.Until.IsZero() {
		return r, ErrNothing
	}
	r = Report{Subscriptions: span.Subscriptions, Until: span.Until, Versions: map[string]int{}}
	hasAll := span.HasEvents && !e.Off["events"] && e.Retention["events"] == 0
	if !hasAll && (!span.WasRead || o.Again) && span.Since.Before(span.Until) {
		whole, err := read(ctx, e, span, o, &r)
		if err != nil || !whole {
			return r, err
		}
	}
	return r, rebuild(ctx, e, past, o, &r)
}

// read reads the events of the time before changes were recorded. It tells whether there is enough to go on.
func read(ctx context.Context, e *mirror.Engine, span history.Span, o Options, r *Report) (bool, error) {
	stream := events()
	if o.Trial {
		stream.Query.Set("end_timestamp", span.Until.UTC().Format(time.RFC3339))
		estimate, err := scan.EstimateCost(ctx, e.Client, scan.Offset{}, stream.Path, stream.Query)
		r.Unread = &estimate
		return false, err
	}
	reader, err := e.Beside(stream)
	if err != nil {
		return false, err
	}
	result := reader.Backfill(ctx, eventsTable, span.Since, span.Until)
	r.Read = &result
	return result.Outcome == mirror.Succeeded || result.Outcome == mirror.Partial, nil
}

// rebuild goes through the subscriptions.
func rebuild(ctx context.Context, e *mirror.Engine, past history.History, o Options, r *Report) error {
	e.Observer.RunStarted("subscriptions")
	defer func() {
		e.Observer.RunFinished(mirror.Result{Stream: "subscriptions", Outcome: mirror.Succeeded, Distinct: r.Subscriptions})
	}()
	done := 0
	for after := (uuid.UUID{}); ; {
		if e.Draining() {
			return fmt.Errorf("stopped after %d of %d subscriptions: %w", done, r.Subscriptions, context.Canceled)
		}
		pasts, err := past.Pasts(ctx, r.Until, after, batch)
		if err != nil || len(pasts) == 0 {
			return err
		}
		var changes []history.Change
		for _, p := range pasts {
			more, err := changesOf(p, r.Until)
			if err != nil {
				return err
			}
			changes = append(changes, more...)
		}
		replaced, written, err := past.Replace(ctx, pasts, changes, o.Trial)
		if err != nil {
			return err
		}
		for _, c := range changes {
			r.Versions[c.Source]++
			if r.From.IsZero() || c.At.Before(r.From) {
				r.From = c.At
			}
		}
		after, done = pasts[len(pasts)-1].ID, done+len(pasts)
		r.Changes, r.Replaced, r.Written = r.Changes+len(changes), r.Replaced+replaced, r.Written+written
		e.Observer.PageStored("subscriptions", done, r.Subscriptions)
	}
}
