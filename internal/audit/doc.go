// Package audit holds the mirror against a second source of the same things: Polar's CSV exports, its counts and metrics, the
// references between rows, the lists inside them, and the states of customers.
//
// The way of an audit:
//
//  1. Auditor.Audit makes sure of the organization, and lists the comparisons that can be made, in an order in which what
//     one of them heals is no finding of the next (audit.go).
//  2. Each comparison reads the other source and tells which rows differ: exports and metrics (exports.go), references and
//     lists (references.go), counts (counts.go), states (states.go).
//  3. What differs is fetched by id, written anew, and compared again (verify.go). A difference is a finding only where time
//     passing between the reads does not explain it.
//  4. The findings are recorded in sync_findings; those that the fetch healed are closed there.
//
// Nothing is written but by runs of package mirror, which have their own record and never overwrite what was requested later.
// An audit that is cut off loses no more than its own findings: the next one compares everything again.
package audit
