// Package limit is the budget of requests: it decides which request may leave when, by pace, priority, the pauses that Polar
// demands, and what other processes use. It sends nothing and knows no HTTP: fetch asks it before each attempt, and tells it the
// outcome.
//
// The way of an attempt:
//
//  1. WaitTurn queues it by its priority                                                      limiter.go priority.go
//  2. It waits while another request leaves alone, in a pause, and while Polar is away        limiter.go outage.go
//  3. It takes a token, of this process or of the budget that several processes share         limiter.go shared.go
//  4. EndTurn learns the outcome. A refusal pauses all until Polar's next window begins       limiter.go phase.go
//  5. Repeated refusals slow the process down, and quiet speeds it up again                   pace.go
//
// SetBudget changes the budget while requests wait (change.go). Budget returns its state (meters.go).
//
// Why nothing is lost: a waiting request stays in the queue until it leaves or its context ends, and every tenth turn belongs to
// the oldest. Every attempt spends a token, so retries cannot exceed the budget. A request that leaves alone ends that in
// EndTurn, whatever the outcome, and the first answer ends an outage. When the shared budget cannot be reached, each process uses
// an equal part of it, computed for one process more than are known.
package limit
