package polarsim

import "net/http"

// typeLabel is a label that a type of event was given.
type typeLabel struct {
	text string
	at   Time
}

// eventLabel is what an event is called: by its name, or as its type was labelled.
func (w *World) eventLabel(name eventName) string {
	if l, changed := w.labels[name]; changed {
		return l.text
	}
	_, label := w.journal.text(name)
	return label
}

// updateEventType labels a type of event. Types of the system have no row, and so no id (polarsource/polar, server/polar/event_type/).
func (c *call) updateEventType() {
	f, ok := c.form()
	if !ok {
		return
	}
	label := f.required("label", 1, 128)
	if c.invalid(f.problems) {
		return
	}
	n, ok := c.id("id", KindEventType, int(c.w.journal.nameCount()))
	if !ok {
		return
	}
	name, w := eventName(n), c.w
	w.version++
	if w.labels == nil {
		w.labels = map[eventName]typeLabel{}
	}
	w.labels[name] = typeLabel{label, w.stamp()}
	var o object
	o.open()
	w.eventTypeFields(&o, eventSum{name: name, first: w.firstSeen(name)})
	text, _ := w.journal.text(name)
	o.str("name", text)
	o.str("label", label)
	o.null("label_property_selector")
	w.organization(&o)
	o.close()
	c.json(http.StatusOK, o.b)
}

// eventTypeFields are those of the row that a type of event has: made with its first event, and only for events that users send.
func (w *World) eventTypeFields(o *object, s eventSum) {
	if !s.name.user() {
		o.null("id")
		o.null("created_at")
		o.null("modified_at")
		return
	}
	o.id("id", w.id(KindEventType, int(s.name)))
	o.times(s.first, w.labels[s.name].at)
}

func (w *World) firstSeen(name eventName) (first Time) {
	for n := range Ref(w.journal.count()) {
		if m, _ := w.journal.event(n); m.name == name && (first == 0 || m.at < first) {
			first = m.at
		}
	}
	return first
}
