// Package worldtest gives tests a whole world: a simulated organization behind real HTTP, a Postgres database, and a mirror
// between them. Start makes one; what tests of several rooms do to a world, and ask of it, are methods of its Harness.
//
// It stands above the rooms. Their external test packages import it, so that a test of a whole world stands with the room that
// it is about, and the rooms are tested beside each other.
package worldtest
