// Package erasure clears the personal data of customers in all tables, and keeps them out.
//
// What is cleared and whose a row is follows from the table of streams, by the function personal_owners. The first erasure gives each of
// these tables a trigger, BEFORE INSERT OR UPDATE, that clears the personal columns of rows of erased customers, whoever writes them. A
// database without erasures has no trigger.
//
//  1. Erase locks out writers for its transaction: pages take turns by the rows of sync_streams, and go on afterwards.
//  2. It puts down whose data are to go: the id, and keyed hashes of addresses and of ids of the organization's own.
//  3. It writes the rows of that customer again, and the triggers clear them. The table changes, rejects and what else quotes rows are
//     cleared by statements of their own.
//  4. A customer that Polar shows as anonymized is noted by whoever stores the page (package store), and Settle erases it.
//
// The digest of a row (_hash) stays, so a row that Polar shows unchanged is not written again.
package erasure
