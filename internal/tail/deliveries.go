package tail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/store/tails"
)

// delivery is the part of a webhook delivery that tails need.
type delivery struct {
	CreatedAt time.Time `json:"created_at"`
	Event     struct {
		ID      uuid.UUID `json:"id"`
		Payload *string   `json:"payload"`
	} `json:"webhook_event"`
}

// payload is the message to an endpoint of the format raw.
type payload struct {
	event     uuid.UUID
	listed    time.Time      // when its delivery was made
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Version   string         `json:"api_version"` // that of its endpoint, which need not be the requested one; "" = not stated
	Data      jsontext.Value `json:"data"`
}

// deliveries reads what Polar has sent to webhook endpoints since the newest known delivery. A payload holds the whole object at
// the time of its event, so it needs no further request. Source: server/polar/webhook/service.py.
func (rd *round) deliveries(ctx context.Context) error {
	f := &rd.feeds.Deliveries
	query := url.Values{"limit": {"100"}}
	asked := rd.engine.Client.Now().UTC()
	from, whole, err := rd.start(ctx, deliveriesFeed, f, asked)
	if err != nil {
		return err
	}
	newest := f.At
	sent := map[uuid.UUID]payload{} // by event: the first of several attempts counts
	depends := func(t Spec) bool { return t.Hook != "" }
	rest, err := rd.feedPieces(ctx, feed{deliveriesPath, "created_at", scan.Offset{Fixed: []string{"-created_at"}, Spare: feedSpare}, query, depends, func(page fetch.Page) error {
		for _, item := range page.Items {
			var d delivery
			if json.Unmarshal(item, &d) != nil {
				continue
			}
			d.CreatedAt = d.CreatedAt.UTC()
			if !d.CreatedAt.After(asked) {
				newest = later(newest, d.CreatedAt)
			}
			if p, again := sent[d.Event.ID]; d.Event.Payload == nil || again && !d.CreatedAt.Before(p.listed) {
				continue
			}
			p := payload{event: d.Event.ID, listed: d.CreatedAt}
			if json.Unmarshal([]byte(*d.Event.Payload), &p) == nil && len(p.Data) > 0 && !p.Timestamp.IsZero() {
				p.Timestamp = p.Timestamp.UTC()
				sent[p.event] = p
			}
		}
		return nil
	}, func() error {
		if err := rd.take(ctx, slices.Collect(maps.Values(sent)), asked); err != nil {
			return err
		}
		clear(sent)
		f.Reach(newest, asked, rd.now())
		return nil
	}}, from)
	if err != nil {
		return err
	}
	if rest.TotalCount == 0 {
		f.End(asked, from, whole)
		return nil
	}
	rd.dueAll(fmt.Sprintf("%d webhook deliveries since %s", rest.TotalCount, from.UTC().Format(time.RFC3339)), depends)
	f.Reach(earlier(item.FieldTime(rest.Items[0], "created_at"), asked), asked, rd.now())
	f.Skip(rd.begun)
	return nil
}

// take processes the payloads that were not processed before.
func (rd *round) take(ctx context.Context, sent []payload, asked time.Time) error {
	f := &rd.feeds.Deliveries
	entries := make([]tails.Entry, len(sent))
	for i, p := range sent {
		entries[i] = tails.Entry{ID: p.event, At: p.listed}
	}
	fresh, err := rd.news(ctx, deliveriesFeed, entries)
	if err != nil {
		return err
	}
	f.News += len(fresh)
	sent = slices.DeleteFunc(sent, func(p payload) bool { return !fresh[p.event] })
	for i, p := range sent {
		f.Read(p.listed, p.Timestamp, asked, true)
		if t := rd.hooked(p.Type); t != nil {
			f.ClearOwed(t.s.Name, item.FieldText(p.Data, "id"))
		}
		sent[i].Timestamp = earlier(p.Timestamp, asked)
	}
	slices.SortFunc(sent, func(a, b payload) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), a.listed.Compare(b.listed), slices.Compare(a.event[:], b.event[:]))
	})
	if err := rd.deliver(ctx, sent); err != nil {
		return err
	}
	return rd.kept().Feeds().KeepEntries(ctx, deliveriesFeed, slices.DeleteFunc(entries, func(e tails.Entry) bool { return !fresh[e.ID] }))
}

// deliver stores the newest payload of each object.
func (rd *round) deliver(ctx context.Context, sent []payload) error {
	newest := map[string]int{}
	for i, p := range sent {
		if rd.hooked(p.Type) != nil { // the state of a customer has the customer's id, and is no customer
			newest[item.FieldText(p.Data, "id")] = i
		}
	}
	now, err := rd.engine.Store.Stamp(ctx)
	if err != nil {
		return err
	}
	for i, p := range sent {
		id := item.FieldText(p.Data, "id")
		t := rd.hooked(p.Type)
		if t == nil || newest[id] != i || id == "" {
			continue
		}
		if t.listens || p.gone() || !p.understood() {
			if err := rd.kept().Changes().Note(ctx, t.changeOf(p)); err != nil {
				return err
			}
			continue
		}
		// A payload has a time by Polar's clock, a reply one by the database's. The payload is dated as early as it can be, so it
		// never overwrites a later reply. Where the clocks cannot be compared, it overwrites nothing.
		dated := rd.engine.Client.StampBefore(p.Timestamp, now)
		if lost, err := t.unlisted(ctx, id, dated); err != nil {
			return err
		} else if lost {
			if err := rd.kept().Changes().Note(ctx, t.changeOf(p)); err != nil {
				return err
			}
			continue
		}
		stale := t.run.Counts().Stale
		page := fetch.Page{Items: []jsontext.Value{p.Data}, TotalCount: -1, RequestedAt: dated}
		if _, err := t.keep(ctx, page, ""); err != nil {
			return err
		}
		t.through = later(t.through, p.Timestamp)
		if t.run.Counts().Stale > stale {
			// The row here may be older all the same.
			if err := rd.kept().Changes().Note(ctx, t.changeOf(p)); err != nil {
				return err
			}
			continue
		}
		if _, err := rd.kept().Changes().Settle(ctx, t.s.Name, tails.ByID, []string{id}, now, p.Timestamp.Add(hookSlack), rd.lag); err != nil {
			return err
		}
	}
	return nil
}

// unlisted: a complete sweep that began after asOf (a Stamp of the store) did not bring the object. It may be gone, and a late
// feed may tell of that only later.
func (t *stream) unlisted(ctx context.Context, id string, asOf time.Time) (bool, error) {
	u, err := uuid.Parse(id)
	if err != nil || !asOf.Before(t.swept) {
		return false, nil //nolint:nilerr //nolint:nilerr // an item without a usable id becomes a reject elsewhere
	}
	known, err := t.engine.Store.Rows(t.s.Name).LookUpIDs(ctx, []uuid.UUID{u})
	return !known[u], err
}

// understood: this syncd knows the API version of the payload. If not, the object is fetched instead. Source:
// server/polar/webhook/service.py.
func (p payload) understood() bool {
	_, known := fetch.FindVersion(p.Version)
	return known || p.Version == ""
}

// gone: the payload says that its object no longer exists. The object's own endpoint decides what becomes of the row.
func (p payload) gone() bool {
	var object struct {
		IsDeleted bool    `json:"is_deleted"`
		DeletedAt *string `json:"deleted_at"`
	}
	return strings.HasSuffix(p.Type, ".deleted") || json.Unmarshal(p.Data, &object) == nil && (object.IsDeleted || object.DeletedAt != nil)
}

// changeOf is the object of a payload as a change to fetch: by id or, where neither an endpoint nor the list finds it by its id, by
// what the list can be filtered by, or by the owner whose list it is in. It is empty if the id is not usable.
func (t *stream) changeOf(p payload) []tails.Changed {
	c := tails.Changed{Stream: t.s.Name, Filter: tails.ByID, Value: item.FieldText(p.Data, "id"), At: p.Timestamp}
	if t.s.Get == "" && t.spec.Batch == "" {
		if t.s.Pick.Param != "" {
			c.Filter, c.Value = t.s.Pick.Param, item.FieldText(p.Data, t.s.Pick.Column)
		}
		for _, owner := range t.s.Parents {
			if id := item.FieldText(p.Data, owner.Column); id != "" {
				c.Filter, c.Value = owner.Column, id
			}
		}
	}
	if _, err := uuid.Parse(c.Value); err != nil {
		return nil
	}
	if owner, err := uuid.Parse(item.FieldText(p.Data, "customer_id")); err == nil {
		c.Owner = owner
	}
	return []tails.Changed{c}
}
