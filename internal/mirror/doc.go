// Package mirror makes runs: it reads a stream from Polar, stores it, and proves that nothing is missing. It serves the streams
// that it is given: package mirror/streams says what one is, package catalog which there are.
//
// The way of a run:
//
//  1. Engine begins the run: it takes the lease of the stream, and writes the row of the run (run.go).
//  2. A sweep reads the list page by page from the checkpoint on (sweep.go). The next pages are read and taken apart while the last
//     ones are written (package ahead, page.go).
//  3. The store writes pages and checkpoint in one transaction, if the run still holds the lease.
//  4. At the end the number of different ids that came is compared with Polar's count. If they do not match, the sweep reads again, in steps
//     of growing cost, and then gives its verdict.
//  5. Only after a complete sweep are rows that it did not meet fetched by id, and marked as deleted (deletions.go).
//  6. The run is closed: its row gets outcome, counts and verdict, and the lease is released.
//
// Nothing is lost between the steps: the next run goes on at the checkpoint, so it reads again what was not committed.
//
// Other kinds of runs go the same way. A refresh fetches single objects (refresh.go), a backfill reads a window of time
// (backfill.go), an approval lets held deletions through (approve.go). A run of several streams has a part for each (parts.go);
// package tail makes its rounds that way.
package mirror
