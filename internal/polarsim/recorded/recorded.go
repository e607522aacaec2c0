package recorded

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed testdata
var files embed.FS

// Request is what the server was asked.
type Request struct {
	Method        string            `json:"method"`
	Path          string            `json:"path"`          // with the query
	Authorization string            `json:"authorization"` // "valid"; "none"; "wrong": a token that nobody has, or no bearer token at all
	Headers       map[string]string `json:"headers"`       // besides Authorization
	Body          *string           `json:"body"`          // nil: none
}

func (r Request) String() string { return r.Method + " " + r.Path }

// Exchange is one request and its answer.
type Exchange struct {
	Request Request           `json:"request"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"` // by names in lower case
	Body    string            `json:"body"`
}

// Errors are the answers at the edges.
func Errors() ([]Exchange, error) { return exchanges("errors.ndjson") }

// Gets are the answers to GET by id, and of what hangs below an object.
func Gets() ([]Exchange, error) { return exchanges("gets.ndjson") }

func exchanges(name string) ([]Exchange, error) {
	rows, err := lines(name)
	if err != nil {
		return nil, err
	}
	list := make([]Exchange, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row, &list[i]); err != nil {
			return nil, fmt.Errorf("recorded %s, line %d: %w", name, i+1, err)
		}
	}
	return list, nil
}

// Lists are the names of the lists, sorted: the names of syncd's streams.
func Lists() ([]string, error) { return names("lists") }

// List gives items of a list, by the name of its stream, such as orders.
func List(stream string) ([]json.RawMessage, error) { return lines("lists/" + stream + ".ndjson") }

// States are customer states. Not all of their customers are among List("customers").
func States() ([]json.RawMessage, error) { return lines("states.ndjson") }

// Exports are the names of the exports, sorted.
func Exports() ([]string, error) { return names("exports") }

// Export is the beginning of a CSV export, such as orders, in the bytes sent: whole lines, the first of which names the columns.
func Export(name string) ([]byte, error) { return files.ReadFile("testdata/exports/" + name + ".csv") }

func names(dir string) ([]string, error) {
	entries, err := files.ReadDir("testdata/" + dir)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i], _, _ = strings.Cut(e.Name(), ".")
	}
	slices.Sort(list)
	return list, nil
}

func lines(name string) ([]json.RawMessage, error) {
	data, err := files.ReadFile("testdata/" + name)
	return split(data), err
}

// split gives the lines that are not empty.
func split(data []byte) (list []json.RawMessage) {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimRight(line, "\n"); len(line) > 0 {
			list = append(list, line)
		}
	}
	return list
}
