package catalog

import (
	"slices"
	"sync"

	"syncd/internal/audit"
	"syncd/internal/mirror/streams"
	"syncd/internal/tail"
)

// Entry is all that syncd knows about one resource of Polar's.
type Entry struct {
	streams.Stream // where it is read from, and which table it goes to

	// Tail says how it is followed between sweeps.
	Tail tail.Spec
	// Audit says what its rows are compared with.
	Audit audit.Against
	// Personal says which columns hold personal data: of its own table, and of those of its lists.
	Personal map[string]Personal
	// Schedule is when the stream is swept by default, in the form of package sched; "" = once a night.
	Schedule string
	// OptIn is why the stream is off by default; "" = it is on.
	OptIn string
	// NoHistory says why changes of its rows, and of those inside them, are not recorded; "" = they are. The stream's migration
	// has them recorded, by keep_history().
	NoHistory string
}

// weekly is the schedule of the costliest streams.
const weekly = "0 5 * * 0"

// unseenWhole is Unseen of a list that the tail reads whole.
const unseenWhole = "nothing, while the list fits into one page; then all changes"

// Entries is the table of streams: the only place where a path of Polar's API meets a table. Parents come before the streams that
// refer to them.
//
// A list that filters by time is read from its oldest row to its newest; each page begins at the time where the last one ended. A
// list without such a filter is read by page number from its newest row to its oldest, so that new rows land where they hide
// nothing: see scan.Offset. No list has a tie-breaker, so a nearly unique second criterion narrows the ties where there is one.
// Source: server/polar/*/sorting.py and kit/repository/base.py in polarsource/polar.
//
// It is made once in a process, however many organizations there are: nobody changes an entry.
func Entries() []Entry { return slices.Clone(entries()) }

var entries = sync.OnceValue(func() []Entry {
	all := slices.Concat(catalogueStreams(), productStreams(), customerStreams(), discountStreams(), subscriptionStreams(), orderStreams(),
		afterSaleStreams(), checkoutStreams(), settingStreams(), ownedStreams(), eventStreams(), exportStreams())
	for i := range all {
		all[i].Stream = all[i].Shaped()
	}
	return all
})

// Names are the names of the streams, in the order of the table.
func Names() []string { return names(Entries()) }
