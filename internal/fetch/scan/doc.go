// Package scan reads a whole list of Polar in an order in which no row is lost while others come and go. It knows no table
// and no SQL.
//
// The way of a scan:
//
//  1. It begins at a Cursor: at the beginning of the list, or where an earlier run has stopped.
//  2. It asks fetch.Client for one page. A row that Polar cannot render comes back as a gap of that page.
//  3. It checks that it can go on from the answer: the filter and the order were honoured, and the list comes to an end.
//  4. It drops the rows that came before, and asks again for those that were counted and did not come.
//  5. It yields the page together with the Cursor behind it. Who stores both at once may stop after any page.
//  6. With the last page it says Done, and how many different rows a complete scan brings (Whole, or Counter).
//
// Polar's lists have no cursor and no tie-breaker, so the way from one page to the next depends on what a list offers:
//
//	Keyset         a filter on the time that it is sorted by: each page begins where the last one ended    keyset.go
//	Offset         page numbers only: read from the newest row to the oldest, stepping back when rows go   offset.go ties.go
//	Windows        a filter on whole seconds, and a store that answers late: overlapping spans of time     windows.go
//	Nested         one list for each parent: see also Each, for parts that the plain list hides            nested.go
//	Array          all of it in one answer                                                                 array.go
//	Metrics        periods, as many in a request as Polar allows                                           metrics.go
//	Export         a CSV file that is counted before and after                                             export.go csv.go column.go
//	MetricsExport  a CSV file for each span of periods                                                     metrics_export.go
//
// No row is lost between two pages because each of them has a way in which the border of a page cannot move past a row
// unseen; the type says which. Where that is not certain the scan reads rows twice rather than not at all, and tells in its
// Cursor (Tied, Short, Gone) what was counted and never came. The caller compares the ids that came with Whole.
package scan
