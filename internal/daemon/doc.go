// Package daemon is the long-running program: it mirrors an organization on the schedules of its streams until it is told to
// stop, and reports on itself meanwhile.
//
// The way of a daemon, in order:
//
//  1. Domain says what settings are checked against; internal/config reads them.
//  2. Open connects to the database, migrates it if told to, and makes the client and the mirror: an Organization. Before a migration it
//     asks Polar whose the token is: a wrong one leaves no tables behind. Otherwise it sends nothing to Polar.
//  3. Run serves health, metrics and status, and does the same by steps that wait: for the database, and for Polar (start.go). It makes a
//     job for each stream that is on, and one for the rounds of tails. A job runs at once if it is overdue, or if a process that died left it
//     unfinished; the clock is that of the database.
//  4. gainAccess asks Polar which organization the token belongs to, until Polar answers (access.go). No job starts before.
//  5. The scheduler runs the jobs (jobs.go). A sweep waits for the lease of another process, and for the parent streams whose rows it
//     needs (waiting.go). A run whose token is refused gives up its turn; no job starts until Polar can be read from again.
//  6. SIGHUP makes the daemon read its configuration again (reload.go).
//  7. The first signal ends the scheduler: no further run starts, and the current runs store their current pages (shutdown.go). The
//     server outlives them.
//
// Nothing can be lost between these steps, because the daemon keeps nothing that was read: pages, checkpoints, leases and due
// work are in the database before a job returns. A daemon that is killed at any point starts again at step 2 and goes on from
// there.
//
// Commands that do one thing and exit use Open, ReadStatus and MakePlan without Run.
package daemon
