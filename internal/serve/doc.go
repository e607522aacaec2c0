// Package serve is the daemon's face to operators and their tools: health, readiness, metrics and status over HTTP. It knows no SQL:
// what it shows is handed to it.
//
// The way of a server, in order:
//
//  1. Listen takes the address, so that an address that is taken is an error at the start and not later.
//  2. Run serves. /healthz says that the process is alive; /readyz asks each Check in order, at most once a second (ready.go);
//     /metrics shows what the mirror told its observer (metrics.go) and what the client has sent (budget.go); /status shows the
//     value that Config.Status returns.
//  3. SetStopping makes /readyz answer 503 while everything else is still served, so that the end of a process can be watched.
//  4. When its context ends, Run lets requests under way finish, and returns.
//
// The server keeps no state of the mirror: what it shows after a restart is what the database holds.
package serve
