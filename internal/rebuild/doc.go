// Package rebuild tells the history of subscriptions from before syncd: from Polar's events, from orders, and from the rows themselves.
//
// The way:
//
//  1. Run looks whether the events of the whole time are here. If not, it reads them from Polar, as a backfill does: by windows of
//     time, within the budget, and from where an interrupted run stopped (rebuild.go).
//  2. For each subscription it takes the row as it was when changes began to be recorded, and what events, orders and the row itself
//     tell of earlier times (evidence.go).
//  3. Each of these says what was so just before, what was so from then on, and what is no longer known (moments.go).
//  4. What is not told is taken from the next time at which it is, in the end from the row; so each moment gets a whole version
//     (versions.go).
//  5. The differences between versions go to the table changes, in the place of those that an earlier rebuild wrote.
//
// Nothing is invented: a version differs from the one before it only in what somebody tells. changes.source says who.
package rebuild
