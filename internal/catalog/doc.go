// Package catalog says what is mirrored: one Entry for each resource of Polar's. An entry is data: where the resource is
// listed, in which order that list is read so that nothing is lost, which table it goes to (its Stream), how it is followed
// between sweeps (Tail), against what it is audited (Audit), and when it is swept.
//
// The way in: Entries gives the table; its entries stand in listed.go, owned.go and exports.go. Select reads which of them are
// wanted. New makes from them a Mirror of one organization: the engine that makes runs, and what follows and audits through it.
//
// An entry that leaves out what it needs, or that contradicts its table, is refused by New, with the name of its stream. So
// nothing is lost because a list beside the table was forgotten: there is none.
package catalog
