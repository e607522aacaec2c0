package main

import (
	"encoding/json"
	"strings"

	"syncd/internal/catalog"
)

// keysPath is the file of keys for Metabase, which finds none in the database but the primary keys of tables.
const keysPath = "deploy/metabase/keys.json"

// The form of that file, which deploy/metabase/keys.sh reads.
type (
	metabaseKeys struct {
		Primary []string      `json:"primary"` // views, and tables without a primary key, whose column id names their rows
		Foreign []metabaseKey `json:"foreign"`
	}
	metabaseKey struct {
		Table  string `json:"table"`
		Column string `json:"column"`
		Target string `json:"target"` // by its column id
	}
)

// metabase makes the file. A table refers to tables, and a view to the views of what Polar still has. A column that has the name of one by
// which a table refers to another does so in views, too.
func metabase(tables []table) (string, error) {
	of, all, named := map[string]map[string]string{}, map[string]string{}, map[string]bool{}
	for _, t := range catalog.Tables() {
		of[t.Name] = t.References
		for column, target := range t.References {
			all[column] = target
		}
		named[liveView(t.Name)], named[t.Name] = true, t.Divided
	}
	keys := metabaseKeys{}
	for _, t := range tables {
		if t.isBookkeeping() {
			continue
		}
		references, isTable := of[t.name]
		if !isTable {
			references = all
		}
		for _, c := range t.columns {
			target := references[c.name]
			switch {
			case c.name == "id" && (named[t.name] || strings.HasSuffix(t.name, "_enriched")):
				keys.Primary = append(keys.Primary, t.name)
			case target != "" && isTable:
				keys.Foreign = append(keys.Foreign, metabaseKey{t.name, c.name, target})
			case target != "":
				keys.Foreign = append(keys.Foreign, metabaseKey{t.name, c.name, liveView(target)})
			}
		}
	}
	text, err := json.MarshalIndent(keys, "", " ")
	return string(text) + "\n", err
}
