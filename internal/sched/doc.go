// Package sched says when jobs run: at the ticks of their schedules, spread by jitter, never two runs of one job at once, and
// soon again after a failure. It knows no SQL and no HTTP.
//
// The way of a job, in order:
//
//  1. New reads the specs of all jobs (spec.go). Five fields are read on the wall clock of a place (wall.go); @every goes by elapsed
//     time.
//  2. Run starts the jobs that run at the start. Then it sleeps until the next tick of any job, but never longer than a minute, as
//     somebody may set the clock meanwhile (plan.go).
//  3. A tick has its job run, unless the job still runs. The job waits for its jitter, and then in a queue until fewer than Parallel others
//     run, and a place among all schedulers is free (lane.go, places.go). Only a job that runs has a goroutine.
//  4. A run that fails is tried again after a wait that doubles, or at the next tick if that comes earlier. A run that only waits for
//     something returns *Again, and frees its place for others meanwhile. Hurry has it try at once.
//  5. Drain, or the end of the context, starts no further run. Run returns when the current runs have returned.
//
// Turns decides, within an allowance of requests, which jobs run between their ticks (turns.go).
//
// No tick is lost. A tick that comes while its job runs is skipped, because that run does its work. Overdue finds at the next
// start a tick that came while no process ran. A clock that is set forward past a tick makes the tick due.
package sched
