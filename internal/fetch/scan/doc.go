// Package scan reads a whole list of Polar in an order in which no row is lost while others come and go. It knows no table and no
// SQL.
//
// The way of a scan:
//
//  1. It starts at a Cursor: the beginning of the list, or where an earlier run stopped.
//  2. It requests one page from fetch.Client. A row that Polar cannot render comes back as a gap of that page.
//  3. It checks that it can go on from the answer: Polar applied the filter and the order, and the list ends.
//  4. It drops rows that came before, and requests again rows that were counted but did not come.
//  5. It yields the page together with the Cursor behind it. A caller that stores both at once may stop after any page.
//  6. With the last page it sets Done, and says how many different rows a complete scan brings (Whole, or Counter).
//
// Polar's lists have no cursor and no tie-breaker, so the way from one page to the next depends on what a list offers:
//
//	Keyset         a filter on the time that it is sorted by: each page begins where the last one ended    keyset.go
//	Offset         page numbers only: read from the newest row to the oldest, stepping back when rows go   offset.go offset_back.go ties.go
//	Offset.Each    the same once per item of another list, for parts that the plain list hides             each.go
//	Windows        a filter on whole seconds, and a store that answers late: overlapping spans of time     windows.go windows_crowd.go windows_late.go windows_close.go
//	Nested         one list for each parent                                                                nested.go
//	Array          all of it in one answer                                                                 array.go
//	Metrics        periods, as many in a request as Polar allows                                           metrics.go
//	Export         a CSV file that is counted before and after                                             export.go
//	MetricsExport  a CSV file for each span of periods                                                     metrics.go
//
// Why nothing is lost: rows that were read stay behind the place where the next page begins. Keyset and Windows go on from a
// time, which a row keeps, and not from a page number, which shifts. Offset reads in the direction in which new rows land on
// pages that it has already read, and steps back when the count falls. A scan that is uncertain reads rows twice. The Cursor
// tells which rows were counted and never came (Tied, Short, Gone). The caller verifies by Whole that every id came.
//
// scan/sheet takes CSV files apart, scan/periods the answers of Metrics and MetricsExport.
//
// A scan may also be limited to a span of time (bounded.go), count its rows (count.go), and estimate beforehand what it costs
// (estimate.go).
package scan
