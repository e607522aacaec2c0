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
//	Offset         page numbers only: read from the newest row to the oldest, stepping back when rows go   offset.go offset_back.go ties.go
//	Offset.Each    the same once per item of another list, for parts that the plain list hides             each.go
//	Windows        a filter on whole seconds, and a store that answers late: overlapping spans of time     windows.go windows_crowd.go windows_late.go
//	Nested         one list for each parent                                                                nested.go
//	Array          all of it in one answer                                                                 array.go
//	Metrics        periods, as many in a request as Polar allows                                           metrics.go
//	Export         a CSV file that is counted before and after                                             export.go
//	MetricsExport  a CSV file for each span of periods                                                     metrics_export.go
//
// Why nothing is lost: what was read stays behind the place where the next page begins. Keyset and Windows go on from a time,
// which rows keep, and not from a page number, which shifts. Offset reads in the direction in which new rows land on pages
// that it has read, and steps back when the count falls. A scan that is not certain reads rows twice. Rows that were counted
// and never came are told in the Cursor (Tied, Short, Gone); that every id came is for the caller to verify, by Whole.
//
// The files of Export and MetricsExport are taken apart by scan/sheet.
//
// Beside its pages a scan may be kept to a span of time (bounded.go), count its rows (count.go), and say beforehand what it
// will cost (estimate.go).
package scan
