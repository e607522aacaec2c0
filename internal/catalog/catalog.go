package catalog

import (
	"slices"

	"syncd/internal/audit"
	"syncd/internal/mirror"
	"syncd/internal/tail"
)

// Entry is all that syncd knows of one resource of Polar's.
type Entry struct {
	mirror.Stream // where it is read, and where it goes

	// Tail is how it is followed between sweeps.
	Tail tail.Spec
	// Audit is what its rows are held against.
	Audit audit.Against
	// Schedule is when the stream is swept unless the settings say otherwise, as package sched has it; "" = once a night.
	Schedule string
	// OptIn says why the stream is off unless it is asked for; "" = it is on.
	OptIn string
	// NoHistory says why changes of its rows, and of those inside them, are not recorded; "" = they are. The stream's migration
	// has them recorded, by keep_history().
	NoHistory string
}

// weekly is the schedule of what costs most, where it is on.
const weekly = "0 5 * * 0"

// unseenWhole: a list that the tail reads as a whole.
const unseenWhole = "nothing, while the list fits into one page; then all changes"

// Entries is the table of streams: the only place where a path of Polar's API
// meets a table. Parents come before what refers to them.
//
// A list that filters by time is read from its oldest row to its newest, each
// page from the time where the last one ended. One without such a filter is read
// by page number from its newest row to its oldest, so that new rows land where
// they hide nothing: see scan.Offset. No list has a tie-breaker of its own, so a
// near-unique second criterion narrows the ties where there is one.
// Source: server/polar/*/sorting.py and kit/repository/base.py in polarsource/polar.
func Entries() []Entry {
	return slices.Concat(catalogueStreams(), productStreams(), customerStreams(), discountStreams(), subscriptionStreams(), orderStreams(),
		afterSaleStreams(), checkoutStreams(), settingStreams(), ownedStreams(), eventStreams(), exportStreams())
}

// Names are those of the streams, in the order of the table.
func Names() []string { return names(Entries()) }
