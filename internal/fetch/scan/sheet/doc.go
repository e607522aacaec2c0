// Package sheet reads a CSV export of Polar's as JSON items with typed fields. It sends nothing: scan brings the files, and
// counts the lists that they are of.
//
// The way of a file, each time that it is read:
//
//  1. csv.go takes records apart, byte by byte as they were written
//  2. Head finds the column of each header, and keeps those that are not known (table.go)
//  3. Count goes through to the end, so that no row is given out of a file that was cut (table.go)
//  4. Item makes an object of a row: each field of its kind, and an id of the row's key (table.go column.go)
//
// Why nothing is lost: a file that ends within a record, or has a record of another width than its header, is an error and
// not a shorter file. A text that is not of its column's kind is passed on as it is, for who stores the item to reject. A
// column that nobody knows is a field by its own header. Rows with equal keys differ by their place.
package sheet
