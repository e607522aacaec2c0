// Package mirror makes runs: it reads a stream from Polar and stores it, and proves that nothing is missing. It serves whatever
// streams it is given; which there are is said in package catalog.
//
// The way of a run:
//
//  1. Engine begins it: it takes the lease of the stream, and writes the row of the run (run.go).
//  2. A sweep reads the list, page after page, from the checkpoint on (sweep.go). The next pages are read and taken apart
//     while the last ones are written (ahead.go, page.go).
//  3. The store writes pages and checkpoint in one transaction, if the lease is still ours.
//  4. At the end the different ids that came are compared with what Polar counts. If they do not add up the sweep reads
//     again, in steps of growing cost, and then gives its verdict.
//  5. Only after a complete sweep are rows that it did not meet asked for by id, and marked as deleted (deletions.go).
//  6. The run is closed: outcome, counts and verdict go into its row, and the lease is given back.
//
// Nothing is lost between the steps: what was not committed is read again by the next run, which goes on at the checkpoint.
//
// Other kinds of runs go the same way. A refresh fetches single objects (refresh.go), a backfill a window of time (backfill.go),
// an approval lets held deletions through (approve.go). A run of several streams has a part for each (parts.go); package tail
// makes its rounds so.
package mirror
