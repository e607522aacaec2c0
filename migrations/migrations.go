// Package migrations carries the SQL that builds syncd's schema, in goose's format.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// FS holds the migrations, named NNNNN_table.sql and applied in that order.
// Their SQL names no schema: the connection's search_path decides.
//
//go:embed *.sql
var FS embed.FS

// Migration is one file, less the way back.
type Migration struct {
	Version int64
	Name    string // of the file
	SQL     string // any number of statements, which may run in one transaction
}

var creates = regexp.MustCompile(`(?mi)(?:^|\s|')CREATE (?:OR REPLACE )?(?:UNLOGGED )?(?:UNIQUE )?(?:TABLE|VIEW|MATERIALIZED VIEW|INDEX|SEQUENCE|TYPE|FUNCTION|AGGREGATE)\s+(?:IF NOT EXISTS\s+)?(?:%(?:\d\$)?I\.)?(\w+)`)

// Makes lists the names of what a migration makes, in the schema of the data or in that of the bookkeeping.
func (m Migration) Makes() (names []string) {
	for _, match := range creates.FindAllStringSubmatch(m.SQL, -1) {
		names = append(names, match[1])
	}
	return names
}

// All lists the migrations in the order in which they are applied. Each run asks for them, so they are read once; a caller
// gets a list of its own.
func All() ([]Migration, error) {
	list, err := read()
	return slices.Clone(list), err
}

var read = sync.OnceValues(func() ([]Migration, error) {
	names, err := fs.Glob(FS, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	list := make([]Migration, len(names))
	for i, name := range names {
		text, err := FS.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number: %w", name, err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		list[i] = Migration{version, name, strings.TrimSpace(up)}
	}
	return list, nil
})
