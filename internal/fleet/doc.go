// Package fleet is the long-running program: a process that runs an organization, and reports on it meanwhile.
//
// The way of a process, in order:
//
//  1. Run makes the client of the organization, and listens for health, metrics and status (process.go).
//  2. internal/daemon runs the organization. The server is there before it, and outlives it, so that tools can watch the beginning and
//     the end.
//  3. A supervisor is told what the process does (supervisor.go).
//  4. The first signal ends the work: no further run starts, and the current runs store their current pages.
package fleet
