//go:build race

package main

import (
	"strings"
	"testing"
)

// Part of a JSON library is compiled without the race detector. It finds races all the same: on a value that is decoded into, too.
func TestRacesAreFound(t *testing.T) {
	for name, body := range map[string]string{
		"between lines":         `n := 0; go func() { n++; done <- true }(); n++; <-done; _ = n`,
		"within a JSON library": `var v struct{ N int }; go func() { json.Unmarshal(b, &v); done <- true }(); json.Unmarshal(b, &v); <-done`,
	} {
		t.Run(name, func(t *testing.T) {
			module(t, map[string]string{"race/a_test.go": "package race\n\nimport (\n\t\"encoding/json\"\n\t\"testing\"\n)\n\nvar _ = json.Valid\n\n" +
				"func TestRace(t *testing.T) {\n\tdone, b := make(chan bool), []byte(`{\"N\":1}`)\n\t_ = b\n\t" + body + "\n}\n"})
			var out strings.Builder
			code, err := run([]string{"-race", "-vet=off", "./..."}, &out)
			if err != nil || code != 1 || !strings.Contains(out.String(), "DATA RACE") {
				t.Errorf("exit code %d (%v), and no race is told of:\n%s", code, err, out.String())
			}
		})
	}
}
