// Package pg makes a connection to Postgres what syncd needs: settings set and verified, transactions made again, errors that
// say what helps. It knows no table of Polar's.
//
// The way, in order:
//
//  1. CheckDSN says what is wrong with a connection string; RedactDSN shows it without its passwords (dsn.go).
//  2. Open makes the pool, and finds out whether a pooler stands in between (open.go).
//  3. Each connection gets the settings that syncd's SQL depends on, and is asked whether it has them. Through a pooler each
//     transaction gets them instead (session.go). Ids and arrays pass in their binary form (codecs.go).
//  4. Migrate brings the schema up to this syncd, and its views after it (views.go); CheckSchema tells whether it is (migrate.go).
//  5. Exec, Query and QueryRow run one statement, InTx and Snapshot a transaction. What Postgres breaks off because of others
//     is done again as a whole, and a server without a free connection is waited for (pool.go).
//  6. InSteps makes a transaction that goes by steps, each a Pipeline of statements and one round trip (pipeline.go).
//  7. Who holds a lock that is waited for is told in the log (locks.go).
//  8. What fails comes back as an *Error, with what helps (errors.go).
package pg
