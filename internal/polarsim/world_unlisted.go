package polarsim

import "time"

// Unlisted is what metrics count and no list shows, for tests: with these rows put in, a mirror has all that metrics are made of.
type Unlisted struct {
	Subscriptions [][]byte             // those without started_at, as the list would have them
	Opened        map[string]time.Time // when the page of a checkout was first shown, by its id; one that is not here was not
}

// Unlisted tells what no list shows.
func (w *World) Unlisted() Unlisted {
	w.mu.RLock()
	defer w.mu.RUnlock()
	u := Unlisted{Opened: map[string]time.Time{}}
	for i := range w.subscriptions {
		if w.subscriptions[i].StartedAt == 0 {
			var o object
			w.renderSubscription(&o, Ref(i))
			u.Subscriptions = append(u.Subscriptions, o.b)
		}
	}
	for i := range w.checkouts {
		if at := w.openedAt(Ref(i)); at != 0 {
			u.Opened[w.id(KindCheckout, i).String()] = at.GoTime()
		}
	}
	return u
}
