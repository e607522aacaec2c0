package catalog

import (
	"cmp"
	"slices"
	"strings"

	"syncd/internal/audit"
	"syncd/internal/store"
)

// Table is one that a stream fills: its own, or that of a list inside its objects.
type Table struct {
	Name, Stream string
	// Parent is the column of a list that names the object it is in, a row of the stream's own table; "" of that table.
	Parent string
	// Divided: it has no primary key, as its id is the key of each of its months.
	Divided bool
	// References has the table whose id a column holds, by column.
	References map[string]string
}

// Tables are the tables of all streams, by name.
func Tables() []Table {
	var all []Table
	columns := map[string]store.Table{}
	for _, e := range Entries() {
		all = append(all, Table{Name: e.Name, Stream: e.Name, Divided: e.Months != ""})
		columns[e.Name] = e.Table
		for _, c := range e.Children {
			all = append(all, Table{Name: c.Name, Stream: e.Name, Parent: c.Parent})
			columns[c.Name] = c.Table
		}
	}
	for i, t := range all {
		all[i].References = map[string]string{}
		for _, c := range columns[t.Name].List {
			target, known := audit.StreamNamed(c.Name), false
			if c.Name == t.Parent {
				target = t.Stream
			}
			if to, is := columns[target]; is {
				known = to.Has("id")
			}
			if strings.HasSuffix(c.Name, "_id") && known && target != t.Name {
				all[i].References[c.Name] = target
			}
		}
	}
	slices.SortFunc(all, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// StreamsOfTables names the stream that fills each table.
func StreamsOfTables() map[string]string {
	of := map[string]string{}
	for _, t := range Tables() {
		of[t.Name] = t.Stream
	}
	return of
}
