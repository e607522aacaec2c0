// Package daemon is the long-running program: it mirrors an organization on the schedules of its streams until it is told to stop,
// and reports on itself meanwhile.
//
// The way of a daemon, in order:
//
//  1. Domain says what settings are checked against; internal/config reads them.
//  2. Open connects to the database, migrates it if that is wanted, and makes the client and the mirror: an Organization. Polar is
//     not asked yet.
//  3. Run makes a job for each stream that is on, and one for the rounds of tails. What is overdue, or was left unfinished by a
//     process that died, runs at once; the clock is that of the database. The server of health, metrics and status listens.
//  4. Polar is asked which organization the token belongs to, until it answers (access.go). No job begins before.
//  5. The scheduler runs the jobs (jobs.go). A sweep waits for the lease of another process, and for the stream for whose rows it
//     is read (waiting.go). A run that is refused gives up its turn; nobody asks again until Polar can be read from.
//  6. SIGHUP has the configuration read again (reload.go).
//  7. The first signal ends the scheduler: no further run begins, and those under way store the page in hand (shutdown.go). The
//     server outlives them.
//
// Nothing can be lost between these steps, for nothing of what has been read is kept here: pages, checkpoints, leases and what is due
// are in the database before a job returns. A daemon that is killed at any point begins again at 2 and goes on from what stands there.
//
// Commands that do one thing and exit use Open, ReadStatus and MakePlan without Run.
package daemon
