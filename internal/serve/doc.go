// Package serve is the daemon's face to operators and their tools: health, readiness, metrics and status over HTTP. It knows no
// SQL: the daemon hands it what it shows.
//
// The way of a server, in order:
//
//  1. Listen binds the address, so that an address in use is an error at the start and not later.
//  2. Run serves. /healthz says that the process is alive. /readyz asks each Check in order, at most once a second (ready.go).
//     /metrics shows what the mirror told its observer (metrics.go) and what the client has sent (budget.go). /status shows the
//     value that Config.Status returns, and / the same to people (room page).
//  3. SetStopping makes /readyz answer 503 while everything else is still served, so that tools can watch the process end.
//  4. When its context ends, Run lets current requests finish, and returns.
//
// The server keeps no state of the mirror, so a restart loses nothing: it shows what the database holds.
package serve
