package streams

import (
	"context"
	"net/url"
	"regexp"

	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/store"
	"syncd/internal/store/db"
)

// Stream is one mirrored resource of Polar's, as data: where it is listed, in which order it is read so that nothing is lost, and
// which table it goes to. One engine serves all streams.
type Stream struct {
	Name  string      // of the stream and of its table
	Path  string      // of the list endpoint, with the exact trailing slash
	Get   string      // path of one object, with {id} and other columns of the row; "" where there is none
	Pick  Pick        // how to find single objects without Get
	Ours  string      // path of one object by ids of the user's own system; "" where there is none
	Scope string      // that the token needs
	Query url.Values  // parameters of every list request; nil for most
	Scan  scan.Scan   // order in which the list is read
	Table store.Table // columns, and how a row is written
	// Months is the column by whose months the table is divided; "" = it is not. A migration has divided it, and the id is the key of each month.
	Months string

	// Embedded names fields that are copies of other mirrored objects. Polar joins them when it renders the reply, so storing
	// them would make every order "change" when a product is renamed. They are dropped; the object's own stream has them. If an
	// object does not name its organization, the first copy that does decides.
	Embedded []string
	// Whose is the field with the organization of an object; "" = organization_id.
	Whose string
	// Secrets names further secret fields, beside those that are secret in every object. They are removed from an item, at any
	// depth, before anything else.
	Secrets []string
	// Copies maps fields of Embedded to their streams. If the stream has no such row (deleted or hidden in Polar, yet referred
	// to), the copy is stored in its place, and marked. That stream's runs come first in a sync.
	Copies map[string]string
	// Invalidates names columns that Polar shows in rows of other streams, whose modified_at does not move when they change. When
	// an object is stored whose column differs from its row, tails fetch those rows.
	Invalidates []store.Invalidation
	// Lifted maps a column to the copy whose id it takes, where Polar sends that id nowhere else: customer_id: customer.
	Lifted map[string]string
	// Inside says which columns are members of an object in a field.
	Inside item.Inside
	// Children are lists without an endpoint of their own.
	Children []Child
	// Parents are the streams for whose rows the list is read one by one, where Polar has no list of all; with a scan.Nested.
	// They come first in the table.
	Parents []Parent
	// Fallback is how the list is read once Polar has ended it; nil = there is no other way.
	Fallback *Fallback
	// FellBack: Polar has ended the list, so this entry is the other way to read it.
	FellBack bool
	// Of are the streams that an export's rows belong to; their runs come first in a sync. After a complete sweep, Link finds out
	// which row belongs to which.
	Of   []string
	Link func(*db.Queries, context.Context) error
	// Snapshot: one reply is the whole list at one moment, and proven to be. A row that it lacks is gone from the list; no
	// request by id is needed.
	Snapshot bool
	// Optional: Polar refuses this list to some tokens. A refusal is reported and is no failure.
	Optional bool
	// Blind says what a window of time of the list does not show; "" where it cannot be read by windows.
	Blind  string
	Expect item.Expect // what is known of the objects beside their columns

	shape *item.Shape // nil = it is made when it is asked for
}

// Pick is a filter of a list that finds single objects by the value of a column.
type Pick struct {
	Param  string // of the list; can be repeated; "" = there is no such filter
	Column string // of the row: id, or customer_id to find the customer's objects
}

// Child is a list inside an item whose elements go to a child table.
type Child struct {
	item.Child // its Columns are those of Table
	Table      store.Table
}

// Shaped is the stream with its Shape, which all that use it share from then on. What it says of fields stays as it is.
func (s Stream) Shaped() Stream {
	s.shape = s.Shape()
	return s
}

// Shape says what becomes of the fields of the stream's objects.
func (s Stream) Shape() *item.Shape {
	if s.shape != nil {
		return s.shape
	}
	spec := item.Spec{Columns: s.Table.Columns, Embedded: s.Embedded, Whose: s.Whose, Secrets: s.Secrets, Lifted: s.Lifted, Inside: s.Inside, Expect: s.Expect}
	for _, c := range s.Children {
		c.Columns = c.Table.Columns
		spec.Children = append(spec.Children, c.Child)
	}
	return item.NewShape(spec)
}

// ParentNames are the streams of Parents.
func (s Stream) ParentNames() (names []string) {
	for _, p := range s.Parents {
		names = append(names, p.Stream)
	}
	return names
}

// WindowField returns the time by which a stream can be read in windows, and what a window cannot see; "" where it cannot be read
// so.
func (s Stream) WindowField() (by, unseen string) {
	list, ok := s.Scan.(scan.Bounded)
	if !ok {
		return "", ""
	}
	return list.TimeField(), s.Blind
}

// Placeholder is a part of a path that takes a value of the row: {id}.
var Placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// RefreshKeys returns how single objects of a stream can be fetched: by their id, and by how many ids of the user's own system
// (0: not by those).
func (s Stream) RefreshKeys() (byID bool, external int) {
	return s.Get != "" || s.Pick.Param != "", len(Placeholder.FindAllString(s.Ours, -1))
}
