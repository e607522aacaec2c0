package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
)

// ErrNotSingle: Polar offers no way to ask for single objects of the stream.
var ErrNotSingle = errors.New("cannot be fetched one by one")

// patience is how many objects in a row may fail before the rest is skipped: then the objects are not the cause.
const patience = 3

// ValuesAtOnce is how many values of a repeated filter one request has; 50 ids are 2 kB of a URL.
const ValuesAtOnce = 50

// Refresh fetches objects of a stream by id and writes them whole, with their children, even if the stored digest says that
// nothing changed: so it repairs a row that was damaged by hand. An object that Polar says does not exist is marked as deleted,
// with that answer as evidence; no other answer marks anything. It runs beside a sweep of the stream, without a lease. The caller
// must have called Check.
//
// The Result is Partial when some ids could not be handled: Reason names them. It is Failed when none could.
func (e *Engine) Refresh(ctx context.Context, stream string, ids ...uuid.UUID) Result {
	return e.RefreshAs(ctx, store.KindRefresh, stream, ids)
}

// RefreshAs is Refresh by a run of another of the store's kinds.
func (e *Engine) RefreshAs(ctx context.Context, kind, stream string, ids []uuid.UUID) Result {
	return e.do(ctx, spec{stream, kind, noLease}, func(ctx context.Context, run *Run) error {
		f := newRefresh(run)
		if err := f.objects(ctx, ids); err != nil {
			return err
		}
		return f.conclude(ctx)
	})
}

// RefreshMoments fetches all rows of these moments, of a stream whose list filters by time, and writes them whole. It is for rows
// of which only the time is known.
func (e *Engine) RefreshMoments(ctx context.Context, kind, stream string, moments []time.Time) Result {
	return e.do(ctx, spec{stream, kind, noLease}, func(ctx context.Context, run *Run) error {
		run.force = true
		for _, at := range moments {
			page, err := run.PageOfMoment(ctx, at)
			if err != nil {
				return err
			}
			if err := run.store(ctx, page, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// PageOfMoment reads the rows of one moment, of a list that filters by time.
func (run *Run) PageOfMoment(ctx context.Context, at time.Time) (fetch.Page, error) {
	const around = time.Microsecond // the bounds are exclusive
	bound := func(at time.Time) []string { return []string{at.UTC().Format("2006-01-02T15:04:05.000000Z")} }
	k := run.s.Scan.(scan.Keyset)
	page, err := run.engine.Client.Page(ctx, run.s.Path, url.Values{k.After: bound(at.Add(-around)), k.Before: bound(at.Add(around)), "limit": {"100"}, "page": {"1"}})
	run.requests += int64(page.Requests)
	return page, err
}

// RefreshExternal refreshes one customer or member by the ids of the user's own system: that of the customer, then that of the
// member. It also refreshes, by their own ids, rows of the mirror that have these external ids: an id that another customer has
// now was taken from somebody.
func (e *Engine) RefreshExternal(ctx context.Context, stream string, external ...string) Result {
	return e.do(ctx, spec{stream, store.KindRefresh, noLease}, func(ctx context.Context, run *Run) error {
		f := newRefresh(run)
		if err := f.external(ctx, external); err != nil {
			return err
		}
		return f.conclude(ctx)
	})
}

// Fetched is the result for objects that were fetched by id.
type Fetched struct {
	Answered []uuid.UUID // Polar has them, or says that they do not exist
	Lost     int         // how many are not stored here and cannot be fetched: only their row would complete the path
	Doubt    string      // why objects that Polar says do not exist were not marked as deleted; "" where they were, or there are none
}

// FetchObjects fetches objects by id, and decides about those that Polar says do not exist. owners maps objects that may not be
// stored here to their customers.
func (run *Run) FetchObjects(ctx context.Context, ids []uuid.UUID, owners map[uuid.UUID]uuid.UUID) (Fetched, error) {
	f := &refresh{Run: run, owners: owners}
	if err := f.objects(ctx, ids); err != nil {
		return Fetched{}, err
	}
	lost := len(f.lost)
	f.lost = nil // the caller decides about them
	if err := f.conclude(ctx); err != nil {
		return Fetched{}, err
	}
	return Fetched{Answered: slices.Concat(f.met, f.asked), Lost: lost, Doubt: f.doubt}, nil
}

// refresh is a run that fetches single objects.
type refresh struct {
	*Run
	met      []uuid.UUID             // that Polar has
	gone     []absence               // that Polar says do not exist
	asked    []uuid.UUID             // of which it said so, believed or not
	lost     []uuid.UUID             // cannot be fetched: only their row would complete the path
	failed   []error                 // one for each object that could not be handled
	failures int                     // failures in a row
	owners   map[uuid.UUID]uuid.UUID // customers of objects that may not be stored here, by object
	doubt    string                  // why gone objects were not marked as deleted; "" where they were, or there are none
}

type absence struct {
	id    uuid.UUID
	asked time.Time
}

func newRefresh(run *Run) *refresh {
	run.force = true
	return &refresh{Run: run}
}

// objects fetches objects by id, each once.
func (f *refresh) objects(ctx context.Context, ids []uuid.UUID) error {
	ids = distinct(ids)
	switch {
	case f.s.Get != "":
		for _, id := range ids {
			body, err := f.fetch(ctx, id)
			if err := f.take(ctx, id, body, err); err != nil {
				return err
			}
		}
		return nil
	case f.s.Pick.Param != "":
		return f.pick(ctx, ids)
	}
	return fmt.Errorf("%s: %w: sync the stream", f.s.Name, ErrNotSingle)
}

// distinct keeps the first of each id, in their order.
func distinct(ids []uuid.UUID) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// take stores one object, or records why there is none. An error ends the run: the next object would meet it as well.
func (f *refresh) take(ctx context.Context, id uuid.UUID, body fetch.Body, err error) error {
	if err == nil {
		if got, e := item.FieldID(body.Value, "id"); e != nil || got != id {
			err = fmt.Errorf("%w: Polar gave another object, with the id %s", fetch.ErrContract, got)
		}
	}
	switch {
	case err == nil:
		f.failures = 0
		f.met = append(f.met, id)
		return f.store(ctx, one(body), nil)
	case errors.Is(err, fetch.ErrNotFound):
		f.failures = 0
		f.gone, f.asked = append(f.gone, absence{id, body.RequestedAt}), append(f.asked, id)
		return nil
	case errors.Is(err, store.ErrNoRow):
		f.lost = append(f.lost, id)
		return nil
	}
	return f.fail(ctx, fmt.Errorf("refresh %s of %s: %w", id, f.s.Name, err), 1)
}

// fetch reads one object. For an object that is not stored here, its customer completes the path, where that is known.
func (f *refresh) fetch(ctx context.Context, id uuid.UUID) (fetch.Body, error) {
	body, err := f.get(ctx, id)
	owner, known := f.owners[id]
	if !known || !errors.Is(err, store.ErrNoRow) {
		return body, err
	}
	path := strings.NewReplacer("{id}", id.String(), "{customer_id}", owner.String()).Replace(f.s.Get)
	if streams.Placeholder.MatchString(path) {
		return body, err
	}
	body, err = f.engine.Client.Get(ctx, path, nil)
	f.requests += int64(body.Requests)
	return body, err
}

// one is an object as a page.
func one(body fetch.Body) fetch.Page {
	return fetch.Page{Items: []jsontext.Value{body.Value}, TotalCount: -1, RequestedAt: body.RequestedAt}
}

// fail records that n objects could not be fetched, and returns an error that concerns all of them.
func (f *refresh) fail(ctx context.Context, err error, n int) error {
	if f.failures += n; f.failures >= patience || fetch.IsStopped(ctx) || store.IsStore(err) || errors.Is(err, fetch.ErrAuth) || errors.Is(err, fetch.ErrScope) {
		return err
	}
	f.failed = append(f.failed, err)
	return nil
}

// pick fetches objects through a filter of their list. That an object is not listed is no evidence of its deletion.
func (f *refresh) pick(ctx context.Context, ids []uuid.UUID) error {
	values, err := f.pickValues(ctx, ids)
	if err != nil {
		return err
	}
	listed := map[uuid.UUID]bool{}
	for some := range slices.Chunk(values, ValuesAtOnce) {
		query := url.Values{}
		for k, v := range f.s.Query {
			query[k] = v
		}
		query[f.s.Pick.Param] = some
		for page, err := range f.s.Scan.Pages(ctx, f.engine.Client, f.s.Path, query, scan.Cursor{}) {
			f.requests += int64(page.Requests)
			if err != nil {
				return fmt.Errorf("refresh %d objects of %s: %w", len(ids), f.s.Name, err)
			}
			if err := f.store(ctx, page.Page, nil); err != nil {
				return err
			}
			for _, object := range page.Items {
				if id, err := item.FieldID(object, "id"); err == nil {
					listed[id] = true
				}
			}
		}
	}
	for _, id := range ids {
		if listed[id] {
			f.met = append(f.met, id)
		} else {
			f.failed = append(f.failed, fmt.Errorf("%s is not listed by Polar, which is no proof that it is gone: nothing was marked as deleted", id))
		}
	}
	return nil
}

// pickValues are the values of the filter that finds these objects.
func (f *refresh) pickValues(ctx context.Context, ids []uuid.UUID) (values []string, err error) {
	column := f.s.Pick.Column
	for _, id := range ids {
		value := id.String()
		if column != "id" {
			fields, err := f.engine.Store.Rows(f.s.Name).ReadFields(ctx, id, []string{column})
			if errors.Is(err, store.ErrNoRow) {
				continue
			}
			if err != nil {
				return nil, err
			}
			value = fields[column]
		}
		if value != "" && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values, nil
}

// external fetches one object by ids of the user's own system, then the rows that have these ids in the mirror.
func (f *refresh) external(ctx context.Context, external []string) error {
	names := streams.Placeholder.FindAllString(f.s.Ours, -1)
	if len(names) == 0 || len(names) != len(external) {
		return fmt.Errorf("%s: %w by %d external ids", f.s.Name, ErrNotSingle, len(external))
	}
	path := f.s.Ours
	for i, name := range names {
		path = strings.Replace(path, name, url.PathEscape(external[i]), 1)
	}
	known, err := f.engine.Store.Rows(f.s.Name).IDsByExternalID(ctx, external...)
	if err != nil {
		return err
	}
	body, err := f.engine.Client.Get(ctx, path, nil)
	f.requests += int64(body.Requests)
	switch {
	case errors.Is(err, fetch.ErrNotFound):
		if len(known) == 0 {
			f.MarkPartial("neither Polar nor the mirror has one of %s with the external id %s", f.s.Name, strings.Join(external, " "))
		}
	case err != nil:
		return err
	default:
		id, err := item.FieldID(body.Value, "id")
		if err != nil {
			return fmt.Errorf("%w: %s: %w", fetch.ErrContract, path, err)
		}
		f.met = append(f.met, id)
		if err := f.store(ctx, one(body), nil); err != nil {
			return err
		}
	}
	return f.objects(ctx, slices.DeleteFunc(known, func(id uuid.UUID) bool { return slices.Contains(f.met, id) }))
}

// conclude decides about objects that were not found, and sets the outcome.
func (f *refresh) conclude(ctx context.Context) error {
	if err := f.bury(ctx); err != nil {
		return err
	}
	if len(f.met) > 0 {
		// Some may be suspects, because a list no longer had them.
		if err := f.record.ClearSuspects(ctx, f.met); err != nil {
			return err
		}
	}
	for _, why := range f.unstored() {
		f.MarkPartial("%s", why)
	}
	for _, id := range f.lost {
		f.failed = append(f.failed, fmt.Errorf("%s is not in the mirror, and without its row the path %s cannot be filled in: sync the stream", id, f.s.Get))
	}
	if len(f.failed) == 0 {
		return nil
	}
	if len(f.met)+len(f.gone) == 0 {
		return errors.Join(f.failed...)
	}
	const named = 3
	for _, err := range f.failed[:min(named, len(f.failed))] {
		f.MarkPartial("%v", err)
	}
	if more := len(f.failed) - named; more > 0 {
		f.MarkPartial("%d more failed", more)
	}
	return nil
}

// bury marks the rows as deleted that Polar said do not exist, unless there is reason to doubt it.
func (f *refresh) bury(ctx context.Context) error {
	if len(f.gone) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(f.gone))
	for i, a := range f.gone {
		ids[i] = a.id
	}
	known, err := f.engine.Store.Rows(f.s.Name).LookUpIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, is := known[id]; !is {
			f.MarkPartial("%s: neither Polar nor the mirror has it: check the id, and that it is one of %s", id, f.s.Name)
		}
	}
	f.gone = slices.DeleteFunc(f.gone, func(a absence) bool { return !known[a.id] })
	if len(f.gone) == 0 {
		return nil
	}
	live, err := f.engine.Store.Rows(f.s.Name).CountLive(ctx)
	if err != nil {
		return err
	}
	if b := f.engine.Brake; b.holds(len(f.gone), int(live)) {
		f.refuse("Polar says that %d of %d rows do not exist, which is more than the brake lets go at once (%d rows and %g %%): nothing was marked as deleted; a sweep of %s looks into it",
			len(f.gone), live, b.Rows, b.Percent, f.s.Name)
		return nil
	}
	among, others, err := f.engine.Store.Rows(f.s.Name).CountAmong(ctx, ids)
	if err != nil {
		return err
	}
	if among > 0 && others == 0 {
		f.refuse("Polar says that none of the %d rows of %s exists: that a stream loses everything takes two complete sweeps of it, an hour or more apart, so nothing was marked as deleted", among, f.s.Name)
		return nil
	}
	if ok, err := f.believed(ctx, ids); err != nil || !ok {
		return err
	}
	for _, a := range f.gone {
		if err := f.tombstone(ctx, []uuid.UUID{a.id}, a.asked, "GET "+f.s.Get+" answered 404 ResourceNotFound"); err != nil {
			return err
		}
	}
	return nil
}

// refuse records why the rows are not believed to be gone.
func (f *refresh) refuse(format string, args ...any) {
	f.doubt = fmt.Sprintf(format, args...)
	f.MarkPartial("%s", f.doubt)
}

// believed makes the control request: an API that finds none of the other rows either is not believed. If this run has found a
// row, no request is needed.
func (f *refresh) believed(ctx context.Context, gone []uuid.UUID) (bool, error) {
	if len(f.met) > 0 {
		return true, nil
	}
	others, err := f.engine.Store.Rows(f.s.Name).NeighboursOf(ctx, gone)
	if err != nil || len(others) == 0 {
		return err == nil, err
	}
	for _, id := range others {
		if _, err = f.get(ctx, id); !errors.Is(err, fetch.ErrNotFound) {
			return err == nil, err
		}
	}
	f.refuse("Polar says that %d rows of %s do not exist, and says so too of %d others that should: it is not believed, nothing was marked as deleted; sync the stream", len(gone), f.s.Name, len(others))
	return false, nil
}
