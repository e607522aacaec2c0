// Command floor is the least that a sync has to do, for the benchmark to compare with: it asks for pages one after the other, each
// query on a line of a file, reads each answer whole, and checks that it is JSON. It keeps nothing.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
)

func run(ctx context.Context, name string) error {
	queries, err := os.Open(name)
	if err != nil {
		return err
	}
	defer queries.Close() //nolint:errcheck // it is only read
	var body bytes.Buffer
	lines := bufio.NewScanner(queries)
	for lines.Scan() {
		if err := read(ctx, &body, lines.Text()); err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
	}
	return lines.Err()
}

func read(ctx context.Context, body *bytes.Buffer, query string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("POLAR_SERVER")+"/v1/orders/?"+query, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("POLAR_ACCESS_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	body.Reset()
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return err
	}
	if !json.Valid(body.Bytes()) {
		return errors.New("the answer is not JSON")
	}
	return nil
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}
