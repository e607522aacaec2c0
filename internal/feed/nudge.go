package feed

import (
	"maps"
	"slices"
	"sync"

	"syncd/internal/store/tails"
)

// mostNamed bounds what waits for a round: more is left to the feeds, which tell of it in pages.
const mostNamed = 5000

// Nudge has a round of feeds made at once. What is named is fetched by the path that the feeds' own changes take: recorded, fetched by
// ids where lists take them, and fetched once more when Polar's replicas have caught up. It takes what many nudges name together.
//
// It never blocks, and may be called by many at once, also before Run. It returns false if too much waits already: then the feeds
// tell of it.
func (p *Poller) Nudge(n Nudge) bool { return p.nudges.add(n) }

// nudges are what waits for the next round.
type nudges struct {
	came chan struct{} // holds a signal when something waits

	mu      sync.Mutex // guards what follows
	waiting map[what]tails.Changed
	fetched []func()
	asked   bool // a nudge has named nothing
}

// what is the same in two changes of one object.
type what struct{ stream, filter, value string }

// taken is what a round takes along.
type taken struct {
	named   []tails.Changed
	fetched []func()
	asked   bool
}

func newNudges() *nudges {
	return &nudges{came: make(chan struct{}, 1), waiting: map[what]tails.Changed{}}
}

func (w *nudges) add(n Nudge) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting)+len(n.Named) > mostNamed || len(w.fetched) >= mostNamed {
		return false
	}
	w.put(n.Named)
	w.asked = w.asked || len(n.Named) == 0
	if n.Fetched != nil {
		w.fetched = append(w.fetched, n.Fetched)
	}
	w.signal()
	return true
}

// put keeps the latest change of each object.
func (w *nudges) put(named []tails.Changed) {
	for _, c := range named {
		key := what{c.Stream, c.Filter, c.Value}
		if was, is := w.waiting[key]; !is || was.At.Before(c.At) {
			w.waiting[key] = c
		}
	}
}

func (w *nudges) signal() {
	select {
	case w.came <- struct{}{}:
	default:
	}
}

// take hands over what waits.
func (w *nudges) take() taken {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := taken{slices.Collect(maps.Values(w.waiting)), w.fetched, w.asked}
	clear(w.waiting)
	w.fetched, w.asked = nil, false
	select {
	case <-w.came:
	default:
	}
	return t
}

// giveBack keeps for the next round what this one could not do. It wakes nobody.
func (w *nudges) giveBack(t taken) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.put(t.named)
	w.fetched = append(t.fetched, w.fetched...)
	w.asked = w.asked || t.asked
}
