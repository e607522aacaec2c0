package polarsim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var eventScopes = []string{"events:read", "events:write"}

func eventRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: "/v1/events/", scopes: eventScopes, handle: listEvents},
		{method: http.MethodGet, pattern: "/v1/events/names", scopes: eventScopes, handle: listEventNames},
		{method: http.MethodPost, pattern: "/v1/events/ingest", scopes: eventScopes[1:], lock: lockWrite, handle: (*call).ingest},
		{method: http.MethodGet, pattern: "/v1/events/{id}", scopes: eventScopes, handle: getEvent},
		{method: http.MethodGet, pattern: "/v1/event-types/", scopes: eventScopes, handle: listEventTypes},
		{method: http.MethodPatch, pattern: "/v1/event-types/{id}", scopes: eventScopes[1:], lock: lockWrite, handle: (*call).updateEventType},
	}
}

// eventTime is the time by which events are filtered and sorted: of a store that holds milliseconds
// (polarsource/polar, server/tinybird/datasources/events_by_timestamp.datasource), while answers have microseconds.
func eventTime(w *World, n Ref) Time {
	m, _ := w.journal.event(n)
	return m.at.floor(millisecond)
}

func eventCustomer(w *World, n Ref) Ref {
	m, _ := w.journal.event(n)
	return m.customer
}

func eventLabel(w *World, n Ref) string {
	m, _ := w.journal.event(n)
	name, _ := w.journal.text(m.name)
	return name
}

func eventSource(w *World, n Ref) string {
	if m, _ := w.journal.event(n); m.name.user() {
		return "user"
	}
	return "system"
}

// events describes the list of events, as far as it works like other lists.
var events = &resource{
	path: "/v1/events/", kind: KindEvent, scopes: eventScopes,
	rows:    func(w *World) int { return w.journal.count() },
	sorts:   []sortKey{byTime("timestamp", eventTime)},
	sorting: []string{"-timestamp"},
	aware:   true,
	ranges: map[string]rangeFilter{"start_timestamp": {key: "timestamp", after: true, time: eventTime},
		"end_timestamp": {key: "timestamp", time: eventTime}},
	filters: map[string]filter{
		"source": oneOf("EventSource", eventSource, "system", "user"), "name": among(eventLabel),
		"customer_id": reference(KindCustomer, eventCustomer),
		"external_customer_id": among(func(w *World, n Ref) string {
			if c := eventCustomer(w, n); c != None {
				return w.customers[c].ExternalID
			}
			return ""
		}),
		"meter_id": reference(KindMeter, func(w *World, n Ref) Ref {
			if m, _ := w.journal.event(n); m.name.user() && m.a != None {
				return w.customerMeters[m.a].Meter
			}
			return None
		}),
		"query":    containing(func(w *World, n Ref) []string { return []string{eventLabel(w, n)} }),
		"metadata": metadata(func(w *World, n Ref) string { return w.eventText(n) }),
	},
	render: func(w *World, o *object, n Ref) { w.renderEvent(o, n, 0) },
}

func (w *World) eventText(n Ref) string {
	m, text := w.journal.event(n)
	if text != "" {
		return text
	}
	var o object
	w.eventMetadata(&o, m)
	return string(o.b)
}

func getEvent(c *call) {
	c.w.startJournal()
	events.get(c)
}

// descends adds the filter of depth and parent_id: roots and what lies below them, or what lies below one event.
func (c *call) descends(l *listQuery, p *problems) {
	parent, depth, j := None, -1, &c.w.journal
	if c.query.Has("depth") {
		var err error
		if depth, err = strconv.Atoi(lastOf(c.query, "depth")); err != nil || depth < 0 || depth > 5 {
			p.add("int_parsing", []any{"query", "depth"}, "Input should be a valid integer from 0 to 5", lastOf(c.query, "depth"), "")
		}
	}
	if c.query.Has("parent_id") {
		given := lastOf(c.query, "parent_id")
		id, _ := parseID(p, []any{"query", "parent_id"}, given)
		parent = Ref(-2) // of nothing
		if n, known := c.w.keys.number(KindEvent, id); known {
			parent = Ref(n)
		}
	}
	if depth < 0 && parent == None {
		return
	}
	l.key += "depth" + strconv.Itoa(depth) + "\x00" + strconv.Itoa(int(parent))
	l.tests = append(l.tests, func(n Ref) bool {
		for level := 0; n != None; level++ {
			m, _ := j.event(n)
			switch {
			case parent != None && m.parent == parent:
				return depth < 0 && level == 0 || level < depth
			case parent == None && m.parent == None:
				return level <= depth
			}
			n = m.parent
		}
		return false
	})
}

// listEvents answers with a page of events. Upstream takes ids and total from one store and rows from another: pages may be short, a page past the end
// has a total of 0 (polarsource/polar, server/polar/event/service.py list).
func listEvents(c *call) {
	w, p := c.w, &problems{}
	w.startJournal()
	l := w.parse(events, c.query, p)
	c.descends(&l, p)
	if c.invalid(p) {
		return
	}
	l.sorting = l.sorting[:1] // others are read and not used
	unit := millisecond
	if c.opts.WholeSeconds {
		unit = second
	}
	for i := range l.ranges {
		l.ranges[i].at = l.ranges[i].at.floor(unit)
	}
	rows := w.eventRows(&l)
	for _, h := range c.hits {
		switch h.Kind {
		case "lag":
			rows = w.settled(rows, w.now-Time(h.For.Microseconds()))
		case "clamp":
			value, _ := strconv.Atoi(h.Value)
			l.limit = min(l.limit, max(1, value))
		}
	}
	total := len(rows)
	c.offset = l.offset()
	page := w.page(rows, l.sorting, c.offset, l.limit, c.ties(events.path, &l))
	if len(page) == 0 {
		total = 0
	}
	for _, h := range c.hits {
		switch value, _ := strconv.Atoi(h.Value); h.Kind { // Value is no number where the kind wants none
		case "empty":
			page, total = nil, 0
		case "total":
			total = max(0, total+value)
		case "missing":
			if l.page > 1 {
				page = page[min(value, len(page)):]
			}
		}
	}
	o := object{b: make([]byte, 0, 512+1024*len(page))}
	o.open()
	i := 0
	list(&o, "items", page, func(o *object, n Ref) {
		start := len(o.b)
		w.renderEvent(o, n, w.journal.children(n))
		if len(c.hits) > 0 {
			o.b = append(o.b[:start:start], c.spoilt(o.b[start:], i, w.id(KindEvent, int(n)))...)
		}
		i++
	})
	o.pagination(total, l.limit)
	o.close()
	if c.json(http.StatusOK, o.b); c.broken {
		c.crash()
	}
}

func (o *object) pagination(total, limit int) {
	o.key("pagination")
	o.open()
	o.int("total_count", int64(total))
	o.int("max_page", int64((total+limit-1)/limit))
	o.close()
}

// eventRows are the events that answer a query, sorted.
func (w *World) eventRows(l *listQuery) []Ref {
	if l.empty {
		return nil
	}
	rows := w.selections.get(events.path+"\x00"+l.key, w.version, func() []Ref { return w.selectEvents(l) })
	for _, b := range l.ranges {
		rows = w.cut(rows, l, b)
	}
	j := &w.journal
	return w.written(rows, func(n Ref) bool { return int(n) >= len(j.past) && j.live[int(n)-len(j.past)].shown > w.now })
}

// written leaves out what the worker has not written yet.
func (w *World) written(rows []Ref, late func(n Ref) bool) []Ref {
	if !slices.ContainsFunc(rows, late) {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), late)
}

// selectEvents merges the events of the past, which are sorted, with later ones.
func (w *World) selectEvents(l *listQuery) []Ref {
	j := &w.journal
	accepted := func(n Ref) bool {
		for _, test := range l.tests {
			if !test(n) {
				return false
			}
		}
		return true
	}
	var past, live []Ref
	for _, n := range j.order {
		if accepted(n) {
			past = append(past, n)
		}
	}
	for i := range j.live {
		if n := Ref(len(j.past) + i); accepted(n) {
			live = append(live, n)
		}
	}
	slices.SortStableFunc(live, func(a, b Ref) int { return cmp.Compare(eventTime(w, a), eventTime(w, b)) })
	rows := make([]Ref, 0, len(past)+len(live))
	for len(past) > 0 && len(live) > 0 {
		if eventTime(w, past[0]) <= eventTime(w, live[0]) {
			rows, past = append(rows, past[0]), past[1:]
		} else {
			rows, live = append(rows, live[0]), live[1:]
		}
	}
	rows = append(append(rows, past...), live...)
	if l.sorting[0].desc {
		slices.Reverse(rows)
	}
	return rows
}

// settled leaves out the events noted after a time.
func (w *World) settled(rows []Ref, until Time) []Ref {
	j := &w.journal
	return slices.DeleteFunc(slices.Clone(rows), func(n Ref) bool {
		return int(n) >= len(j.past) && j.live[int(n)-len(j.past)].inserted > until
	})
}

// eventSum counts the events of one name.
type eventSum struct {
	name        eventName
	count       int64
	first, last Time
}

// sumEvents answers the lists of event names and types: sums over events, sorted by the criteria given.
func (c *call) sumEvents(types bool) {
	w, p := c.w, &problems{}
	w.startJournal()
	r := *events
	r.ranges, r.sorting = nil, []string{"-last_seen"}
	r.sorts = []sortKey{{name: "name"}, {name: "label"}, {name: "occurrences"}, {name: "first_seen"}, {name: "last_seen"}}
	if !types {
		r.sorts = slices.Delete(r.sorts, 1, 2)
	}
	l := w.parse(&r, c.query, p)
	if types {
		if roots := c.query.Has("root_events") && parseBool(p, "root_events", lastOf(c.query, "root_events")); roots {
			l.tests = append(l.tests, func(n Ref) bool { m, _ := w.journal.event(n); return m.parent == None })
		}
		if c.query.Has("parent_id") {
			c.descends(&l, p)
		}
	}
	if c.invalid(p) {
		return
	}
	sums := w.eventSums(&l)
	slices.SortStableFunc(sums, func(a, b eventSum) int {
		for _, s := range l.sorting {
			if d := w.compareSums(a, b, s.name); d != 0 && s.desc {
				return -d
			} else if d != 0 {
				return d
			}
		}
		return 0
	})
	from := min(l.offset(), len(sums))
	var o object
	o.open()
	list(&o, "items", sums[from:min(from+l.limit, len(sums))], func(o *object, s eventSum) {
		o.open()
		if types {
			w.eventTypeFields(o, s)
		}
		name, _ := w.journal.text(s.name)
		o.str("name", name)
		o.str("label", w.eventLabel(s.name))
		if types {
			o.null("label_property_selector")
			w.organization(o)
		}
		if s.name.user() {
			o.str("source", "user")
		} else {
			o.str("source", "system")
		}
		o.int("occurrences", s.count)
		o.time("first_seen", s.first)
		o.time("last_seen", s.last)
		o.close()
	})
	o.pagination(len(sums), l.limit)
	o.close()
	c.json(http.StatusOK, o.b)
}

func listEventNames(c *call) { c.sumEvents(false) }
func listEventTypes(c *call) { c.sumEvents(true) }

func (w *World) eventSums(l *listQuery) []eventSum {
	sums := make([]eventSum, w.journal.nameCount())
	if l.empty {
		return nil
	}
next:
	for n := range Ref(w.journal.count()) {
		for _, test := range l.tests {
			if !test(n) {
				continue next
			}
		}
		m, _ := w.journal.event(n)
		s := &sums[m.name]
		if s.count == 0 || m.at < s.first {
			s.first = m.at
		}
		s.name, s.last = m.name, max(s.last, m.at)
		s.count++
	}
	return slices.DeleteFunc(sums, func(s eventSum) bool { return s.count == 0 })
}

func (w *World) compareSums(a, b eventSum, key string) int {
	switch key {
	case "name", "label":
		x, _ := w.journal.text(a.name)
		y, _ := w.journal.text(b.name)
		return strings.Compare(x, y)
	case "occurrences":
		return cmp.Compare(a.count, b.count)
	case "first_seen":
		return cmp.Compare(a.first, b.first)
	}
	return cmp.Compare(a.last, b.last)
}
