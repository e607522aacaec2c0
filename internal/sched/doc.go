// Package sched says when jobs run: at the ticks of their schedules, spread by jitter, never two runs of one job at once, and soon
// again after a failure. It knows no SQL and no HTTP.
//
// The way of a job, in order:
//
//  1. New reads the specs of all jobs (spec.go). Five fields are read on the wall clock of a place (wall.go), @every goes by the time
//     that passes.
//  2. Run starts the jobs that are to run at the start, and then sleeps until the next tick of any job, but never longer than a
//     minute: the clock may be set meanwhile (plan.go).
//  3. A tick starts its job, unless the job still runs. The run waits for its jitter, and until fewer than Parallel others run.
//  4. A run that fails is tried again, after a wait that doubles, or at the next tick where that comes earlier. A run that only has to
//     wait for something says so with *Again, and gives its place to others meanwhile.
//  5. Drain, or the end of the context, starts no further run. Run returns when those under way have returned.
//
// No tick is lost: a tick that comes while its job runs is skipped because that run does its work, a tick of a process that was not
// there is found by Overdue at the next start, and a clock that is set forward past a tick makes it due.
package sched
