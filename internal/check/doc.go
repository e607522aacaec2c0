// Package check tells whether syncd would work as it is configured, before it writes anything.
//
// Run asks the database and Polar at the same time (database.go, polar.go), compares their clocks, and looks for room on the disk
// (room.go). Each answer is a Line: what was looked at, what was found, and what helps. The Report of all lines decides how `syncd check`
// ends. Nothing is written: the database is asked in transactions that only read, and Polar by GET.
package check
