package terminal

import (
	"sync"
	"time"
)

const (
	// silentFor is how long a command may wait without a word.
	silentFor = 2 * time.Second
	// sameFor is how long the same words are not said again.
	sameFor = 30 * time.Second
)

// Waiting says what a command waits for, once nothing has been answered for two seconds. Then it says each new thing at once, until
// there is an answer.
type Waiting struct {
	say func(what string)

	mu    sync.Mutex
	open  int    // waits that are not over
	what  string // is waited for
	timer *time.Timer
	late  bool                 // the two seconds are over
	said  map[string]time.Time // when what was said
}

// NewWaiting tells say.
func NewWaiting(say func(what string)) *Waiting {
	return &Waiting{say: say, said: map[string]time.Time{}}
}

// Begin is told what is waited for now. The result is called when that wait is over.
func (w *Waiting) Begin(what string) (over func(answered bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	w.what = what
	switch {
	case w.late:
		w.tell()
	case w.timer == nil:
		w.timer = time.AfterFunc(silentFor, w.lose)
	}
	return w.end
}

// end stops the clock at an answer; others that still wait start it again.
func (w *Waiting) end(answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	if !answered {
		return
	}
	w.late = false
	w.stop()
	if w.open > 0 {
		w.timer = time.AfterFunc(silentFor, w.lose)
	}
}

// lose is called when the two seconds are over.
func (w *Waiting) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.late = true
		w.tell()
	}
}

func (w *Waiting) tell() {
	if at, is := w.said[w.what]; is && time.Since(at) < sameFor {
		return
	}
	w.said[w.what] = time.Now()
	w.say(w.what)
}

func (w *Waiting) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// Close ends the clock.
func (w *Waiting) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
}
