package worldtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"syncd/internal/catalog"
)

// erased are rows of a stream's table that belong to erased customers, and the columns that are cleared in them. In a world in which
// Polar has anonymized nobody, and nobody was erased, there are none.
func (h *Harness) erased(t *testing.T, table string) (ids map[any]bool, columns map[string]catalog.Treatment) {
	t.Helper()
	owners := catalog.Owners()
	i := slices.IndexFunc(owners, func(o catalog.Owner) bool { return o.Table == table })
	if i < 0 || Query[int](t, h, "SELECT count(*) FROM sync_erasures WHERE cleared_at IS NOT NULL") == 0 {
		return nil, nil
	}
	var whose []string
	if c := owners[i].Customer; c != "" {
		whose = append(whose, "is_erased("+c+")")
	}
	for _, p := range owners[i].Parents {
		of, column, _ := strings.Cut(p, ".")
		whose = append(whose, fmt.Sprintf("is_erased(owner_of('%s', %s))", of, column))
	}
	ids = map[any]bool{}
	for _, id := range h.Texts(t, "SELECT id::text FROM "+table+" WHERE "+strings.Join(whose, " OR ")) {
		ids[id] = true
	}
	return ids, owners[i].Columns
}

// uncleared leaves out of an object and its row what an erasure clears, and what has no column.
func uncleared(item, row map[string]any, columns map[string]catalog.Treatment) {
	for name := range item {
		if _, is := row[name]; !is || columns[name] != "" {
			delete(item, name)
		}
	}
	for name := range columns {
		delete(row, name)
	}
}
