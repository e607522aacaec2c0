// Package item takes one object of the API apart.
//
// A Shape says what becomes of each field: a column of the object's table, a list whose elements are rows of a child table, a
// copy of an object of another stream (dropped from the row, and returned beside it), or none of these (kept in _extra). A
// Splitter goes over an object once:
//
//  1. WithoutSecrets removes what must never be stored or logged.
//  2. Split refuses what is not JSON, too deep, of another organization, or without an id.
//  3. Each field goes to its place. Values stay the bytes that Polar sent, so no number passes through a float.
//  4. Unknown fields, values and types go to Drift; the object is stored all the same.
//
// Nothing is lost in between: a field that is no column, child or copy is in _extra, and the caller keeps an object that Split
// refuses whole, as a reject. The package knows neither SQL nor HTTP.
package item
