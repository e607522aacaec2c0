// Package store puts what syncd read into Postgres: leases, runs, checkpoints, pages, rejects. It knows no HTTP.
//
// The way of a page, in order:
//
//  1. Runs().Begin takes the lease of the stream, opens a run, and finds where its sweep stands (runs.go).
//  2. Put takes pages of items. Its first step waits for the stream's turn, and asks by digest which rows differ (put.go,
//     compare.go).
//  3. Where changed objects hold copies of rows of other streams, the next step asks which of those rows are missing (stubs.go).
//  4. The last step writes and commits: rows by one upsert a table (table.go), the ids that came, rejects and gaps (page.go), the
//     counts, the checkpoint, and the renewal of the lease. Each step is one round trip (package pg).
//  5. A row that Postgres refuses becomes a reject, and the pages are written again without it.
//  6. Finish records how the run ended, and gives the lease back (closing.go). AbsentRows lists what a complete sweep did not
//     meet; Suspect and Tombstone deal with it (deletions.go).
//
// Nothing is lost in between: rows and checkpoint commit together, and only while the lease is held. A row from a later reply is
// never overwritten by an earlier one.
//
// Connections, transactions and migrations are those of package pg. Store itself tells the time (package clock). All else that it knows hangs on handles:
//
//	Rows(table)    the rows of one table: ids, counts, times (rows.go)
//	Runs()         begins runs; what earlier ones took and hold back (runs.go)
//	Streams()      how streams stand, without asking Polar (streams.go, standing.go)
//	Polar()        the organization, the API's version, the last answer (polar.go)
//
// A handle is a value without state of its own. So are those of the rooms beside this one, which are made of the same pool and
// need nothing else of it:
//
//	tails.New(pool)   where tails stand between their rounds, what has changed and is to be fetched, what was read of feeds
//	audits.New(pool)  the questions of audits, and their findings
//	budget.New(pool)  the request budget that all processes share
package store
