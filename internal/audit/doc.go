// Package audit compares the mirror with a second source of the same objects: Polar's CSV exports, its counts and metrics, the
// references between rows, the lists inside them, and the states of customers.
//
// The way of an audit:
//
//  1. Auditor.Audit checks the organization, and lists the possible comparisons, in an order in which what one of them heals is no
//     finding of the next (audit.go).
//  2. Each comparison reads the other source and finds rows that differ: exports and metrics (exports.go), references and lists
//     (references.go), counts (counts.go), states (states.go).
//  3. Rows that differ are fetched by id, written anew, and compared again (verify.go). A difference is a finding only where time
//     passing between the reads does not explain it.
//  4. The findings are recorded in sync_findings; those that the fetch healed are closed there.
//
// Only runs of package mirror write rows. They have their own record, and never overwrite an answer that was requested later. So
// an audit that is interrupted loses only its own findings: the next one compares everything again.
package audit
