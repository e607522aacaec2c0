// Package stand says where a list or a feed is read on from, and up to when it is known to have told of all changes.
//
// A Mark is the newest time in a list. A Feed is a Mark with what has been measured: how late the feed tells, and which rows it owes.
// Both are kept as JSON between rounds of tails. They send nothing, and store nothing themselves.
package stand
