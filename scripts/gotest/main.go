// Gotest is go test that ends with the slowest tests:
//
//	go run ./scripts/gotest ./...
//
// All arguments go to go test. What it prints is what go test prints: a line per package, and all that a failing test has
// said. Its exit code is that of go test.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const slowest = 10

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(args []string, out io.Writer) (code int, err error) {
	// An interrupt reaches go test too; this program stays to tell how it ended.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	all := []string{"test", "-json", "-parallel", strconv.Itoa(2 * runtime.NumCPU())}
	if slices.Contains(args, "-race") {
		all = append(all, unwatched()...)
	} else { // with the race detector the processor is what packages wait for
		all = append(all, "-p", strconv.Itoa(runtime.NumCPU()+1))
	}
	cmd := exec.CommandContext(context.Background(), "go", append(all, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Env = environ(os.Environ())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	r := &report{out: out, verbose: slices.Contains(args, "-v"), said: map[test][]string{}}
	// A line that cannot be read does not end the reading: go test would wait for a reader for ever.
	err = r.read(stdout)
	_, drained := io.Copy(io.Discard, stdout)
	ended := cmd.Wait()
	if exit, is := errors.AsType[*exec.ExitError](ended); is {
		code, ended = max(exit.ExitCode(), 1), nil // -1: ended by a signal
	}
	r.finish()
	return code, errors.Join(err, drained, ended)
}

// unwatched are arguments that compile the reading and writing of JSON without the race detector, by patterns of packages. For each byte of
// it the detector asks who else touches it, which takes a third of all processor time, and the bytes are the own ones of one call. What is
// made of them is put into our values by reflect, which is watched, as is whatever is ours. A package that has locks or atomics of its own
// must not be among these: the detector would not see what it orders, and report races that are none.
func unwatched() (flags []string) {
	for _, pattern := range []string{"github.com/go-json-experiment/json/jsontext", "github.com/go-json-experiment/json/internal/..."} {
		flags = append(flags, "-gcflags="+pattern+"=-race=false")
	}
	return flags
}

// environ has a program with the race detector end at once. It waits for a second otherwise, in which goroutines that nobody waits for
// could race, and a script of a test runs twenty programs. What is set already stays so.
func environ(of []string) []string {
	return append([]string{"GORACE=atexit_sleep_ms=0"}, of...)
}

// event is a line of go test -json; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of a build
	Elapsed                       float64
}

type test struct{ pkg, name string }

type took struct {
	test
	seconds float64
}

type report struct {
	out     io.Writer
	verbose bool
	said    map[test][]string // by tests that have not ended
	took    []took            // tests of the top level
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err != nil && line == "" {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var e event
		if json.Unmarshal([]byte(line), &e) != nil {
			fmt.Fprint(r.out, line) // go test itself speaks plainly of what it could not begin
			continue
		}
		r.take(e)
	}
}

func (r *report) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		switch {
		case e.Test == "" && e.Output != "PASS\n" || r.verbose:
			fmt.Fprint(r.out, e.Output)
		case !strings.HasPrefix(e.Output, "=== "):
			r.said[t] = append(r.said[t], e.Output)
		}
	case "pass", "skip", "fail":
		if e.Test == "" {
			r.endPackage(e)
			return
		}
		if e.Action == "fail" {
			fmt.Fprint(r.out, strings.Join(r.said[t], ""))
		}
		delete(r.said, t)
		if !strings.Contains(e.Test, "/") {
			r.took = append(r.took, took{t, e.Elapsed})
		}
	}
}

// endPackage prints what tests have said that a crash has ended.
func (r *report) endPackage(e event) {
	for _, t := range slices.SortedFunc(maps.Keys(r.said), func(a, b test) int { return strings.Compare(a.name, b.name) }) {
		if t.pkg != e.Package {
			continue
		}
		if e.Action == "fail" && t.name != "" {
			fmt.Fprint(r.out, strings.Join(r.said[t], ""))
		}
		delete(r.said, t)
	}
}

func (r *report) finish() {
	slices.SortStableFunc(r.took, func(a, b took) int { return cmp.Compare(b.seconds, a.seconds) })
	if len(r.took) == 0 {
		return
	}
	fmt.Fprintln(r.out, "\nThe slowest tests, in seconds:")
	for _, t := range r.took[:min(slowest, len(r.took))] {
		fmt.Fprintf(r.out, "%8.1f  %s %s\n", t.seconds, t.pkg, t.name)
	}
}
