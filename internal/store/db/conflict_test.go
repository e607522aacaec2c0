package db_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	queryName  = regexp.MustCompile(`(?m)^-- name: (\w+)`)
	comment    = regexp.MustCompile(`--[^\n]*`)
	onConflict = regexp.MustCompile(`(?is)\bDO\s+UPDATE\b(.*?)(?:\bRETURNING\b|;|$)`)
	setting    = regexp.MustCompile(`(?is)\bUPDATE\s+\w+(?:\s+(?:AS\s+)?[a-z])?\s+SET\b(.*?)(?:\bFROM\b|\bWHERE\b|\bRETURNING\b|;|$)`)
	called     = regexp.MustCompile(`(?i)\b([a-z_]+)\s*\(|\b(current_[a-z]+|localtime(?:stamp)?|select)\b`)
)

// What an upsert does with a row that is there follows from EXCLUDED, the row and parameters. Citus refuses anything else in a distributed
// table: in DO UPDATE, functions must be immutable, and there are no subqueries.
func TestUpsertsTakeTheirValuesFromExcluded(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	files, err := filepath.Glob("../../../queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of queries: %v", len(files), err)
	}
	// Not functions, though written like them.
	syntax := []string{"set", "coalesce", "greatest", "least", "and", "or", "not", "where", "in", "any", "row", "nullif", "excluded"}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range queryName.FindAllStringSubmatchIndex(string(text), -1) {
			name, rest := string(text[at[2]:at[3]]), string(text[at[1]:])
			if next := queryName.FindStringIndex(rest); next != nil {
				rest = rest[:next[0]]
			}
			for _, clause := range onConflict.FindAllStringSubmatch(comment.ReplaceAllString(rest, ""), -1) {
				found++
				for _, call := range called.FindAllStringSubmatch(clause[1], -1) {
					function := strings.ToLower(call[1] + call[2])
					if slices.Contains(syntax, function) {
						continue
					}
					var immutable bool
					if err := conn.QueryRow(t.Context(), `SELECT COALESCE(bool_and(provolatile = 'i'), false) FROM pg_proc WHERE proname = $1`, function).Scan(&immutable); err != nil {
						t.Fatal(err)
					}
					if !immutable {
						t.Errorf("%s: DO UPDATE has %s, which is not immutable: take the value from EXCLUDED or a parameter", name, function)
					}
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d upserts were found", found)
	}
}

// Citus refuses volatile functions in what an UPDATE of a distributed table sets. A time comes from FROM (SELECT clock_timestamp() ...).
func TestUpdatesSetNothingVolatile(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	files, err := filepath.Glob("../../../queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of queries: %v", len(files), err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, clause := range setting.FindAllStringSubmatch(comment.ReplaceAllString(string(text), ""), -1) {
			found++
			for _, call := range called.FindAllStringSubmatch(clause[1], -1) {
				var volatile bool
				if err := conn.QueryRow(t.Context(), `SELECT COALESCE(bool_or(provolatile = 'v'), false) FROM pg_proc WHERE proname = $1`, strings.ToLower(call[1]+call[2])).Scan(&volatile); err != nil {
					t.Fatal(err)
				}
				if volatile {
					t.Errorf("%s: SET has %s, which is volatile: take it from FROM (SELECT %[2]s() ...)", filepath.Base(file), call[1])
				}
			}
		}
	}
	if found < 25 {
		t.Errorf("only %d updates were found", found)
	}
}
