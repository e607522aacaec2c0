package webhook

import (
	"crypto/sha256"
	"sync"
	"time"
)

// mostRepeats bounds how many webhooks are remembered.
const mostRepeats = 10_000

// repeats knows the webhooks that have come while their signatures count. Polar sends one again whose answer it did not get, and
// anybody may who has seen it: what it names is fetched once.
type repeats struct {
	mu   sync.Mutex
	came map[[sha256.Size]byte]time.Time
}

// repeated tells whether this message came before, and remembers it. Beyond mostRepeats all are forgotten: then one that comes again
// is fetched again.
func (r *repeats) repeated(id string, body []byte, now time.Time) bool {
	key := sha256.Sum256([]byte(id + "." + string(body)))
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, came := r.came[key]; came && now.Sub(at) <= 2*tolerance {
		return true
	}
	if r.came == nil || len(r.came) >= mostRepeats {
		r.came = map[[sha256.Size]byte]time.Time{}
	}
	r.came[key] = now
	return false
}
