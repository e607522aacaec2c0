// Package catalog says what is mirrored: one Entry for each resource of Polar's. An entry is data: where the resource is listed,
// in which order that list is read so that nothing is lost, and which table it goes to (its Stream); how it is followed between
// sweeps (Tail); what it is audited against (Audit); and when it is swept.
//
// Entries returns the table; its entries are in listed.go, owned.go and exports.go. Select decides which of them are on. New
// makes of them a Mirror of one organization: the engine that makes runs, and the follower and the auditor that use it.
//
// New refuses an entry that lacks what it needs, or that contradicts its table, and names its stream. So nothing is lost because
// somebody forgot a list beside the table: there is none.
package catalog
