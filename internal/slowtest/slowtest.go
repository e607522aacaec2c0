// Package slowtest marks the tests that go test -short leaves out, so that what is left takes less than a minute.
package slowtest

import "testing"

// Mark begins a slow test.
func Mark(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: make test runs it")
	}
}
