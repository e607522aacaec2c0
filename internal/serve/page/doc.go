// Package page shows a report on the mirror to people: one page of HTML that needs no script and nothing from elsewhere.
//
// The way of a page: the report is read, at most once a second however many look (page.go); what it says is put into words
// (view.go); page.html draws the words. The page holds nothing that /status does not.
package page
