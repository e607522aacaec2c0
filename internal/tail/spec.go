package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/store/audits"
)

// Spec says how a stream is followed between sweeps, by requests whose number
// does not grow with the stream. A tail never takes the absence of a row for a
// deletion.
type Spec struct {
	// Touched: which events of Polar's own (source=system) tell of changes here.
	Touched []Touch
	// Hook is the prefix of the webhook events whose payload is an object of this stream; "" = none.
	Hook string
	// Told is the event that Polar writes of each new row; none = of some there is none.
	Told Told
	// Batch is a filter of the list that takes several values at once, to fetch
	// many changed objects with few requests: id, or the column customer_id.
	Batch string
	Fast  []Probe // asked in every round
	Slow  []Probe // asked in turn, as many a round as requests are left for
	// Census: where a sweep is due, the stream's export is asked first, in one request, and compared as this says; nil = it is not.
	Census *audits.Pair
	// Unseen is what no tail sees; the next sweep does.
	Unseen string
}

// Touch reads from an event what has changed.
type Touch struct {
	Event  string // its name; one that ends in a dot stands for all that begin so
	Field  string // of its metadata, or customer_id of the event itself, that holds the id
	Filter string // of the stream's list that finds what changed by this id; "" = it is the object's own id
}

// Told is an event of each new row, or of each with a value.
type Told struct{ Event, Field, Value string }

// Probe is one cheap question to Polar.
type Probe interface {
	// Name tells it from the others of its stream. Databases keep where it stands under this name: it never changes.
	Name() string
	ask(ctx context.Context, t *stream) error
	// shows tells in words which changes the answers show; "" = none, they only tell that something is amiss.
	shows() string
}

// IsEmpty tells of a stream that is not followed.
func (s Spec) IsEmpty() bool { return len(s.Touched)+len(s.Fast)+len(s.Slow) == 0 && s.Hook == "" }

// by tells whether an event of this name is meant.
func (t Touch) by(event string) bool {
	return t.Event == event || strings.HasSuffix(t.Event, ".") && strings.HasPrefix(event, t.Event)
}

// check finds mistakes in how a stream is followed.
func (s Spec) check(stream string) error {
	var errs []error
	if s.Unseen == "" {
		errs = append(errs, fmt.Errorf("stream %q: its tail does not say what it leaves unseen", stream))
	}
	probes := map[string]bool{}
	for _, probe := range slices.Concat(s.Fast, s.Slow) {
		if name := probe.Name(); name == "" || probes[name] {
			errs = append(errs, fmt.Errorf("stream %q: two probes of its tail are named %q", stream, name))
		}
		probes[probe.Name()] = true
	}
	return errors.Join(errs...)
}
