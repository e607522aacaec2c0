package polarsim

import "net/http"

// eventLabel is what an event is called: by its name, or as its type was labelled.
func (w *World) eventLabel(name eventName) string {
	if label := w.labels[name]; label != "" {
		return label
	}
	return eventTexts[name][1]
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
	n, ok := c.id("id", KindEventType, int(eventNameCount))
	if !ok {
		return
	}
	name, w := eventName(n), c.w
	w.version++
	w.labels[name], w.labelled[name] = label, w.stamp()
	var o object
	o.open()
	w.eventTypeFields(&o, eventSum{name: name, first: w.firstSeen(name)})
	o.str("name", eventTexts[name][0])
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
	o.times(s.first, w.labelled[s.name])
}

func (w *World) firstSeen(name eventName) (first Time) {
	for n := range Ref(w.journal.count()) {
		if m, _ := w.journal.event(n); m.name == name && (first == 0 || m.at < first) {
			first = m.at
		}
	}
	return first
}
