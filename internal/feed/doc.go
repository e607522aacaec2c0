// Package feed says when the feeds are asked: every few seconds, less often while nothing happens and the budget is small, and at
// once when somebody nudges it.
//
// The way of a round of feeds:
//
//  1. Run waits for the next time (pace.go), or for a nudge (nudge.go), whichever comes first.
//  2. It asks: Config.Ask makes the round, of which internal/tail knows the rest. Everything that nudges have named by then goes with it.
//  3. From the answer follows when it asks again.
//
// Nothing is lost by a nudge that is dropped, or by a process that dies: what has changed is told by the feeds, too, and what they
// name is recorded in the database before their position moves.
package feed
