// Package fleet is the long-running program: a process that runs one organization or many, and reports on them meanwhile.
//
// The way of a process, in order:
//
//  1. Run listens for health, metrics and status, and tells a supervisor what the process does (process.go, supervisor.go). The server is
//     there before the work, and outlives it, so that tools can watch the beginning and the end.
//  2. The work of a process with one organization is a daemon.Runner (single.go).
//  3. That of a process with many holds leases in Postgres (many.go). Every few seconds it renews them, claims what is free as far as that
//     is fair, starts what it holds, and stops what it should not run. A process that cannot renew its leases stops its work before others
//     may take it.
//  4. Each organization is a member (member.go): a daemon.Runner of its own, beside the others on the same connections. What it fails with
//     concerns it alone, and is tried again.
//  5. Which organizations there are is read again when somebody asks for it, or a file of their directory has changed (names.go).
//  6. Webhooks come to any process. What they name is passed on, through Postgres, to the one that runs the organization (hooks.go).
//  7. The first signal ends the work: no further run starts, and the current runs store their current pages. Each member gives its
//     lease back as it ends, and others take over.
package fleet
