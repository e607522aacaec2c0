// Package periods cuts time into the periods of Polar's metrics, and takes the answers apart that hold them. It sends nothing.
//
// The way of a window:
//
//  1. Plan cuts the life of an organization into windows of whole periods, as long as Limits allows.
//  2. Whoever has requested one takes the answer apart with LongForm, or the CSV file of it with Window.CountValues and Window.Items.
//  3. An answer is checked before its first item is made, so that the request can be repeated.
//
// Items are in long form, one per period and metric that has a value, so that a new metric is a new row and no new column.
package periods
