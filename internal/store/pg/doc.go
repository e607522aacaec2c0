// Package pg makes connections to Postgres that suit syncd: with verified settings, transactions that are repeated after
// conflicts, and errors with a remedy. It knows no table of Polar's.
//
// The way, in order:
//
//  1. CheckDSN says what is wrong with a connection string; RedactDSN shows it without its passwords (dsn.go).
//  2. Open makes the pool, and finds out whether a pooler stands in between (open.go).
//  3. Each connection gets the settings that syncd's SQL depends on, and is checked for them. Through a pooler, each transaction gets
//     them instead (session.go). Ids and arrays pass in binary form (codecs.go).
//  4. Migrate brings the schema up to date, then its views (views.go); CheckSchema checks it (migrate.go). The schema of the data
//     and that of the bookkeeping are made, and refused where they are somebody else's or apart, in schemas.go.
//  5. Exec, Query and QueryRow run one statement, InTx and Snapshot a transaction. If Postgres ends a transaction because of a conflict, it
//     is repeated as a whole. If the server has no free connection, the pool waits for one (pool.go).
//  6. InSteps makes a transaction that goes by steps, each a Pipeline of statements and one round trip (pipeline.go).
//     AtOnce and SnapshotAtOnce make one of a single step. A statement that a connection has not run before is not prepared (once.go).
//  7. If a lock is waited for long, the log says who holds it (locks.go).
//  8. A failure comes back as an *Error, with a remedy (errors.go).
//
// Nothing is half written: what a transaction did not commit is rolled back, and InTx repeats it from its beginning.
package pg
