package catalog_test

import (
	"slices"
	"testing"

	"syncd/internal/catalog"
)

// Each table with personal data tells whose they are: else an erasure would leave them.
func TestPersonalDataHasOwners(t *testing.T) {
	t.Parallel()
	owners := catalog.Owners()
	n := 0
	for _, e := range catalog.Entries() {
		for table, personal := range e.Personal {
			if personal.Identifiers+personal.Texts+personal.Documents == "" {
				continue
			}
			n++
			i := slices.IndexFunc(owners, func(o catalog.Owner) bool { return o.Table == table })
			if i < 0 {
				t.Errorf("%s has personal data, and nothing says whose they are: see owners.go", table)
				continue
			}
			for column, treatment := range personal.Columns() {
				if clears := owners[i].Columns[column] != ""; clears != (treatment != catalog.None && treatment != catalog.Region) {
					t.Errorf("%s.%s is %s, and cleared: %t", table, column, treatment, clears)
				}
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d tables have personal data", n)
	}
}
