// Package daemon runs one organization: it mirrors it on the schedules of its streams until it is told to stop, and tells how it stands
// meanwhile.
//
// The way of an organization, in order:
//
//  1. Domain says what settings are checked against; internal/config reads them.
//  2. Open connects to the database, migrates it if told to, and makes the client and the mirror: an Organization. Before a migration it
//     asks Polar whose the token is: a wrong one leaves no tables behind. Otherwise it sends nothing to Polar.
//  3. A Runner does the same by steps that wait: for the database, and for Polar (start.go). It makes a
//     job for each stream that is on, and one for the rounds of tails. A job runs at once if it is overdue, or if a process that died left it
//     unfinished; the clock is that of the database.
//  4. gainAccess asks Polar which organization the token belongs to, until Polar answers (access.go). No job starts before.
//  5. The scheduler runs the jobs (jobs.go). A sweep waits for the lease of another process, and for the parent streams whose rows it
//     needs (waiting.go). A run whose token is refused gives up its turn; no job starts until Polar can be read from again.
//  6. FollowReloads reads the configuration again when it is asked to (reload.go).
//  7. Drain ends the scheduler: no further run starts, and the current runs store their current pages.
//
// Hooks receives webhooks for many organizations, also for those that other processes run (hooks.go).
//
// internal/fleet is the process around it: the server, the signals, the supervisor.
//
// Nothing can be lost between these steps, because the daemon keeps nothing that was read: pages, checkpoints, leases and due
// work are in the database before a job returns. A daemon that is killed at any point starts again at step 2 and goes on from
// there.
//
// Commands that do one thing and exit use Open, ReadStatus and MakePlan without a Runner.
package daemon
