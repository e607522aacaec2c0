// Package streams describes what of Polar's is mirrored, as data: where a list is, in which order it is read so that nothing is
// lost, which table it goes to, and who owns its rows. It reads nothing.
//
// A Stream is one resource (stream.go). The streams that own its rows, and the other way to read it once Polar has ended its list,
// are in owners.go. Check finds mistakes in one (check.go). Package catalog has all of them; package mirror makes runs of them.
package streams
