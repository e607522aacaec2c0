// Package item takes one object of the API apart.
//
// A Shape says what becomes of each field: a column of the object's table, a list whose elements are rows of a table of
// their own (children), a copy of an object that has a stream of its own (dropped, and kept at hand), or none of these
// (kept in _extra). A Splitter goes over an object once:
//
//  1. WithoutSecrets takes out what must never be stored or logged.
//  2. Split refuses what is no JSON, too deep, of another organization or without an id.
//  3. Each field goes to its place. Values stay the bytes that Polar sent, so no number passes through a float.
//  4. Fields, values and types that are not known go to Drift; the object is taken all the same.
//
// Nothing is lost in between: what is no column, child or copy is in _extra, and what Split refuses the caller keeps whole
// as a reject. The package knows neither SQL nor HTTP.
package item
