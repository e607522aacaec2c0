package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/store/audits"
)

// Spec says how a stream is followed between sweeps, by requests whose number does not grow with the stream. A tail never takes
// the absence of a row for a deletion.
type Spec struct {
	// Touched are Polar's own events (source=system) that tell of changes here.
	Touched []Touch
	// Carried is the prefix of the names of Polar's own events that are themselves objects of this stream; "" = none.
	Carried string
	// Hook is the prefix of the webhook events whose payload is an object of this stream; "" = none.
	Hook string
	// Named are webhook events that tell of changes here by an id in their payload, beside those of Hook.
	Named []Touch
	// Told is the event that Polar writes for each new row; empty = some rows have none.
	Told Told
	// Batch are filters of the list that take several values at once, to fetch many changed objects with few requests: id, or columns,
	// of which the first one that a row has a value in finds it. The last one holds its owner.
	Batch string
	// Primary: Polar answers from its primary database, so what was fetched right after its change need not be fetched once more.
	Primary bool
	Fast    []Probe // asked in every round
	Slow    []Probe // asked in turn, as many a round as there are requests left
	// Census: when a sweep is due, the stream's export is read first, in one request, and compared as this says; nil = no census.
	Census *audits.Pair
	// Unseen is what no tail sees; the next sweep does.
	Unseen string
}

// Touch says how to read from an event what has changed.
type Touch struct {
	Event  string // its name; a name that ends in a dot stands for all names with that prefix
	Field  string // of its metadata, or customer_id of the event itself; it holds the id
	Filter string // of the stream's list; it finds what changed by this id; "" = it is the object's own id
	// Unless is a field of the metadata: where the feed carries an object with the same value in it, that is what has changed.
	Unless string
}

// Told is an event for each new row, or for each new row with a value.
type Told struct{ Event, Field, Value string }

// Probe is one cheap question to Polar.
type Probe interface {
	// Name tells it from the other probes of its stream. Databases keep its state under this name, so it never changes.
	Name() string
	ask(ctx context.Context, t *stream) error
	// shows says in words which changes the answers show; "" = none, they only raise an alarm.
	shows() string
}

// IsEmpty tells of a stream that is not followed.
func (s Spec) IsEmpty() bool { return !s.reads() && len(s.Fast)+len(s.Slow) == 0 && s.Hook == "" }

// reads: the feed of events shows changes of the stream.
func (s Spec) reads() bool { return s.Carried != "" || len(s.Touched) > 0 }

// carried: an event of this name is an object of the stream.
func (s Spec) carried(event string) bool {
	return s.Carried != "" && strings.HasPrefix(event, s.Carried)
}

// carriedBy: the payload of a webhook event of this name is an object of the stream. The state of a customer has the customer's id,
// and is no customer.
func (s Spec) carriedBy(event string) bool {
	return s.Hook != "" && strings.HasPrefix(event, s.Hook) && event != "customer.state_changed"
}

// by: the Touch means an event of this name.
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
