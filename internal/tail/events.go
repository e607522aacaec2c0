package tail

import (
	"context"
	"encoding/json"
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
	"syncd/internal/store/erasure"
	"syncd/internal/store/tails"
)

// events reads Polar's own events since the newest known one. The bounds are whole seconds: Polar's store of events may cut them
// to seconds. Source: server/polar/event/service.py, server/tinybird/datasources.
func (rd *round) events(ctx context.Context) error {
	if !rd.due() {
		return nil
	}
	f := &rd.feeds.Events
	query := url.Values{"source": {"system"}, "limit": {"100"}, "sorting": {"timestamp"}}
	asked := rd.engine.Client.Now().UTC()
	from, whole, err := rd.start(ctx, eventsFeed, f, asked)
	if err != nil {
		return err
	}
	newest := f.At
	rest, err := rd.feedPieces(ctx, feed{eventsPath, "timestamp", scan.Offset{Sort: []string{"-timestamp"}, Spare: feedSpare}, query, Spec.reads, func(page fetch.Page) error {
		var list []event
		var entries []tails.Entry
		var anonymized []uuid.UUID
		for _, raw := range page.Items {
			e := event{raw: raw}
			if err := json.Unmarshal(raw, &e); err != nil {
				rd.engine.Log.WarnContext(ctx, "an event could not be read and is skipped", "error", err)
				continue
			}
			e.Timestamp = e.Timestamp.UTC()
			list, entries = append(list, e), append(entries, tails.Entry{ID: e.ID, At: e.Timestamp})
			anonymized = append(anonymized, item.Anonymized(raw)...)
		}
		if err := erasure.New(rd.engine.Store.Pool()).Note(ctx, anonymized); err != nil {
			return err
		}
		fresh, err := rd.news(ctx, eventsFeed, entries)
		if err != nil {
			return err
		}
		f.News += len(fresh)
		list = slices.DeleteFunc(list, func(e event) bool { return !fresh[e.ID] })
		var changes []tails.Changed
		for _, e := range list {
			f.Read(e.Timestamp, e.Timestamp, asked, !e.datedBack())
			if !e.Timestamp.After(asked) {
				newest = later(newest, e.Timestamp)
			}
			for _, t := range rd.tails {
				if rd.first && !e.datedBack() && t.sweptSince(e.Timestamp, asked) {
					continue
				}
				for _, c := range t.touched(e, list, asked) {
					f.ClearOwed(c.Stream, c.Value)
					changes = append(changes, c)
				}
			}
		}
		for _, t := range rd.tails {
			if err := t.takeCarried(ctx, page, list, asked); err != nil {
				return err
			}
		}
		if err := rd.kept().Changes().Note(ctx, changes); err != nil {
			return err
		}
		return rd.kept().Feeds().KeepEntries(ctx, eventsFeed, slices.DeleteFunc(entries, func(e tails.Entry) bool { return !fresh[e.ID] }))
	}, func() error {
		f.Reach(newest, asked, rd.now())
		return nil
	}}, from.UTC().Truncate(time.Second).Add(-time.Second))
	if err != nil {
		return err
	}
	if rest.TotalCount == 0 {
		f.End(asked, from, whole)
		return nil
	}
	rd.dueAll(fmt.Sprintf("%d events since %s", rest.TotalCount, from.UTC().Format(time.RFC3339)), Spec.reads)
	end, err := rd.list(ctx, eventsPath, withQuery(query, url.Values{"limit": {"1"}, "sorting": {"-timestamp"}}))
	if err != nil || len(end.Items) == 0 {
		return err
	}
	f.Reach(earlier(item.FieldTime(end.Items[0], "timestamp"), asked), asked, rd.now())
	f.Skip(rd.begun)
	return nil
}

// event is the part of an event that tails need.
type event struct {
	ID         uuid.UUID                  `json:"id"`
	Timestamp  time.Time                  `json:"timestamp"`
	Name       string                     `json:"name"`
	CustomerID *uuid.UUID                 `json:"customer_id"`
	Metadata   map[string]json.RawMessage `json:"metadata"`

	raw jsontext.Value
}

func (e event) field(name string) string {
	var id string
	if raw, ok := e.Metadata[name]; ok && json.Unmarshal(raw, &id) == nil {
		return id
	}
	if name == "customer_id" && e.CustomerID != nil {
		return e.CustomerID.String()
	}
	return ""
}

// datedBack: Polar dates such an event by its subject and not by when it writes it: balances by their order, which may be paid
// days later, and a creation by the object, which an import dates back. Source: server/polar/order/service.py,
// server/polar/customer/tasks.py.
func (e event) datedBack() bool {
	return strings.HasPrefix(e.Name, "balance.") || e.Name == "customer.created" || e.Name == "checkout.created"
}

// sweptSince: the last complete sweep has shown what happened then, since it began when Polar's replicas had caught up.
func (t *stream) sweptSince(at, asked time.Time) bool {
	return !t.listens && at.Before(asked.Add(-t.at.Complete-2*t.lag))
}

// touched returns what an event has changed in the stream, beyond the objects that a page of the feed carries.
func (t *stream) touched(e event, page []event, asked time.Time) (changes []tails.Changed) {
	for _, touch := range t.spec.Touched {
		if !touch.by(e.Name) || t.shown(e.field(touch.Unless), touch.Unless, page) {
			continue
		}
		value := e.field(touch.Field)
		if _, err := uuid.Parse(value); err != nil {
			continue
		}
		c := tails.Changed{Stream: t.s.Name, Filter: touch.Filter, Value: value, At: earlier(e.Timestamp, asked)}
		if c.Filter == "" {
			c.Filter = tails.ByID
		}
		if e.CustomerID != nil {
			c.Owner = *e.CustomerID
		}
		changes = append(changes, c)
	}
	return changes
}

// shown: a page of the feed carries an object of the stream with this value in a field.
func (t *stream) shown(value, field string, page []event) bool {
	return value != "" && slices.ContainsFunc(page, func(e event) bool { return t.spec.carried(e.Name) && e.field(field) == value })
}

// takeCarried stores those events of a page that are objects of the stream. While its first sweep is under way they are only
// recorded, to be fetched after it.
func (t *stream) takeCarried(ctx context.Context, page fetch.Page, list []event, asked time.Time) error {
	var newest time.Time
	var ids []uuid.UUID
	page.Items, page.Gaps = nil, nil
	for _, e := range list {
		if t.spec.carried(e.Name) {
			page.Items, ids = append(page.Items, e.raw), append(ids, e.ID)
			newest = later(newest, earlier(e.Timestamp, asked))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if t.listens {
		return t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, ids, asked))
	}
	if _, err := t.keep(ctx, page, ""); err != nil {
		return err
	}
	t.through = later(t.through, newest)
	return nil
}
