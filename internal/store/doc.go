// Package store puts what syncd read into Postgres: leases, runs, checkpoints, pages, rejects. It knows no HTTP.
//
// The way of a page, in order:
//
//  1. Runs().Begin takes the lease of the stream, opens a run, and finds where its sweep stands (runs.go).
//  2. Put takes pages of items. Its first step waits for the stream's turn, and asks by digest which rows differ (put.go,
//     compare.go).
//  3. If changed objects hold copies of rows of other streams, the next step asks which of those rows are missing (stubs.go).
//  4. The last step writes and commits: rows by one upsert per table, or an insert where all are new (write.go, table.go), the ids that
//     came, rejects and gaps (page.go), the counts, the checkpoint, and the renewal of the lease. Each step is one round trip (package pg).
//     Where PutAhead expects one step to do, the next pages are sent before that is over; each demands the ones before (expect.go).
//  5. A row that Postgres refuses becomes a reject, and the pages are written again without it.
//  6. Finish records how the run ended, and releases the lease (closing.go). AbsentRows lists the rows that a complete sweep did not
//     meet; MarkSuspects and Tombstone decide about them (deletions.go).
//
// Nothing is lost in between: rows and checkpoint commit together, and only while the run holds the lease. An earlier reply never
// overwrites a row of a later one.
//
// Package pg has connections, transactions and migrations; package clock has the time. Everything else is reached through
// handles:
//
//	Rows(table)    the rows of one table: ids, counts, times (rows.go)
//	Runs()         begins runs; what earlier ones cost and hold back (runs.go)
//	Streams()      the state of streams, without asking Polar (streams.go, standing.go)
//	Polar()        the organization, the API's version, the last answer (package origin)
//
// A handle is a value without state of its own. So are those of the packages beside this one, which use only its pool:
//
//	tails.New(pool)   where tails stand between rounds, pending changes, and the state of feeds
//	audits.New(pool)  the queries of audits, and their findings
//	budget.New(pool)  the request budget that all processes share
package store
