//go:build race

package main

import (
	"strings"
	"testing"
)

// A package is watched although others are compiled without the race detector. Those are none of the test's module, which has no
// dependency: that races on what they fill are found rests on reflect, which is watched (see unwatched).
func TestRacesAreFound(t *testing.T) {
	module(t, map[string]string{"race/a_test.go": "package race\n\nimport \"testing\"\n\n" +
		"func TestRace(t *testing.T) {\n\tdone, n := make(chan bool), 0\n\tgo func() { n++; done <- true }()\n\tn++\n\t<-done\n}\n"})
	var out strings.Builder
	code, err := run([]string{"-race", "-vet=off", "./..."}, &out)
	if err != nil || code != 1 || !strings.Contains(out.String(), "DATA RACE") {
		t.Errorf("exit code %d (%v), and no race is told of:\n%s", code, err, out.String())
	}
}
