// Extract writes the facts of Polar's OpenAPI document (https://api.polar.sh/openapi.json) that the tests of the simulator need:
//
//	go run ./internal/polarsim/openapi/extract path/to/openapi.json internal/polarsim/openapi/facts.txt
//
// Do this when Polar's API has changed, read the difference (git diff), change the simulator until its tests agree, and commit both together. The
// document itself is not committed. A keyword of JSON Schema that is new to extract is an error and no silence: teach it to the package openapi.
package main

import (
	"fmt"
	"os"
	"reflect"

	"syncd/internal/polarsim/openapi"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: extract OPENAPI.json FACTS.txt")
		os.Exit(2)
	}
	if err := extract(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "extract:", err)
		os.Exit(1)
	}
}

func extract(from, to string) error {
	document, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	d, err := openapi.Extract(document)
	if err != nil {
		return err
	}
	text, err := openapi.Format(d)
	if err != nil {
		return err
	}
	read, err := openapi.Parse(text)
	if err != nil {
		return fmt.Errorf("read back what was to be written: %w", err)
	}
	if !reflect.DeepEqual(read, d) {
		return fmt.Errorf("what was to be written does not say the same as %s", from)
	}
	return os.WriteFile(to, []byte(text), 0o644)
}
