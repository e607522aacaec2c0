// Package limit is the budget of requests: which request may leave when, by pace, priority, the pauses that Polar asks for,
// and what other processes use. It sends nothing and knows no HTTP: fetch asks it before each attempt, and tells it what
// came of it.
//
// The way of an attempt:
//
//  1. Turn queues it, in the order of its priority                                            limiter.go priority.go
//  2. It waits while another goes alone, in a pause, and while nothing answers for Polar      limiter.go outage.go
//  3. It takes a token, of this process or of the budget that several share                   limiter.go shared.go
//  4. Done takes in the answer. A refusal pauses all, until Polar's next window begins        limiter.go phase.go
//  5. Refusals again and again slow the process down, and quiet speeds it up                  pace.go
//
// Set changes the budget while requests wait (change.go). Budget tells how it stands (meters.go).
//
// Why nothing is lost: a request that waits is in the queue until it leaves or its context ends, and every tenth turn is that
// of the oldest. A token is spent by an attempt, so retries cannot exceed the budget. Whoever goes alone ends that in Done,
// whatever came, and an outage ends with the first answer. Where the shared budget cannot be reached, each process uses an
// equal part of it, of one more than are known.
package limit
