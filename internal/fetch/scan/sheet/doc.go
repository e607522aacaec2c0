// Package sheet reads a CSV export of Polar's as JSON items with typed fields. It sends nothing: scan fetches the files, and
// counts the lists that they export.
//
// The way of a file, each time that it is read:
//
//  1. csv.go takes records apart, byte by byte
//  2. ReadHeader finds the column of each header, and keeps unknown ones (table.go)
//  3. CountRows goes through to the end, so that no row is returned from a file that was cut short (table.go)
//  4. ReadItem makes an object of a row: each field by its kind, and an id from the row's key (table.go column.go)
//
// Why nothing is lost: a file that ends within a record, or has a record of another width than its header, is an error and not a
// shorter file. A value that is not of its column's kind is passed on as text, and whoever stores the item rejects it. An unknown
// column becomes a field named by its header. Rows with equal keys are told apart by their place.
package sheet
