// Package tail follows streams between their sweeps, by requests whose number does not grow with the stream.
//
// The way of a round, which is one run of several streams:
//
//  1. Follower.Tail takes the lease of rounds. The round reads where the feeds and each stream stand (round.go, position.go).
//  2. Feeds come first, for all streams at once (feeds.go): Polar's own events (events.go) and what it has sent to webhook
//     endpoints (deliveries.go). An object that they name becomes a pending change; an object that they carry is stored.
//  3. Each stream's probes are asked, the fast ones in every round, the slow ones in turn (probes.go, sets.go).
//  4. Where a sweep is due, an export may take its place (census.go).
//  5. Pending changes are fetched (changes.go), at once and once more later: Polar's replicas lag.
//  6. The round records where each stream stands, and up to when its data are claimed to be mirrored (cover.go, feedstate.go).
//
// Nothing is lost between the steps. A change is recorded in the database before the position of its feed moves. It is settled
// only when an answer that was requested later has been stored. What a round does not get to stays pending for the next. Feeds
// and lists are read again from a little before where they ended, since Polar shows some things late. A tail never takes the
// absence of a row for a deletion; where counts do not add up, it brings a sweep forward. Spec.Unseen says what no tail sees.
//
// Plan estimates beforehand how soon changes would be seen.
package tail
