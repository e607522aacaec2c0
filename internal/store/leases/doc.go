// Package leases shares organizations among the processes of a fleet: each runs those that it holds.
//
// There is no coordinator but Postgres, whose clock alone counts. A replica is a process: one row says until when it is believed to
// live, and what it holds ends with that. So one statement on one row renews everything that a replica holds. Who claims first removes
// the rows of replicas that are over: what such a replica held is free, and its own renewal finds no row any more.
//
//  1. Open makes the tables in a schema of their own. It refuses those of a newer version.
//  2. Renew says that the replica lives. It fails with ErrOver where it is too late for that.
//  3. Claim takes free organizations, as many as are fair, and says how many the replica holds too many.
//  4. Guard has the database refuse what a replica writes that does not know yet that its leases are over.
//  5. Note and Noted pass on what one process has been told of an organization that another one runs (notices.go).
//  6. GiveBack lets others take an organization at once; Leave lets them do without this replica.
package leases
