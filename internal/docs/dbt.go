package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"syncd/internal/audit"
	"syncd/internal/catalog"
	"syncd/internal/item"
)

// dbtPath is the file of the dbt package that follows from the tables.
const dbtPath = "dbt/models/sources.yml"

const dbtHead = `# The tables and views of the mirror as sources of dbt. Made by make generate from the database and the table of streams; not to be
# edited.
`

// The form of a file of sources: docs.getdbt.com/reference/source-properties.
type (
	dbtSources struct {
		Version int         `yaml:"version"`
		Sources []dbtSource `yaml:"sources"`
	}
	dbtSource struct {
		Name        string     `yaml:"name"`
		Description string     `yaml:"description"`
		Schema      string     `yaml:"schema"`
		Tables      []dbtTable `yaml:"tables"`
	}
	dbtTable struct {
		Name        string      `yaml:"name"`
		Identifier  string      `yaml:"identifier,omitempty"`
		Description string      `yaml:"description"`
		Config      *dbtConfig  `yaml:"config,omitempty"`
		Columns     []dbtColumn `yaml:"columns"`
	}
	dbtConfig struct {
		LoadedAt  string       `yaml:"loaded_at_query,omitempty"`
		Freshness dbtFreshness `yaml:"freshness,omitempty"`
	}
	dbtFreshness struct {
		Warn dbtAge `yaml:"warn_after"`
	}
	dbtAge struct {
		Count  int    `yaml:"count"`
		Period string `yaml:"period"`
	}
	dbtColumn struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		DataType    string `yaml:"data_type"`
		Tests       []any  `yaml:"data_tests,omitempty"`
	}
)

const dbtSchema = "{{ var('polar_schema', 'polar') }}"

// dbt makes the file of sources. The source of a stream has the name of its table, and is the view of what Polar still has.
func dbt(tables []table) (string, error) {
	all := dbtSource{
		Name: "polar", Schema: dbtSchema,
		Description: "Billing data of an organization at Polar, mirrored by syncd: the rows that Polar still has, and views made of them. Amounts are in the smallest unit of their currency; times are in UTC.",
	}
	left := map[string]table{}
	for _, t := range tables {
		if t.schema == schema {
			left[t.name] = t
		}
	}
	for _, s := range catalog.Entries() {
		t := dbtRows(left, s.Name, s.Name, s.Expect)
		for i, c := range t.Columns {
			switch {
			case c.Name == "id":
				t.Columns[i].Tests = append(c.Tests, "unique", "not_null")
			case slices.Contains(s.Audit.Refers, c.Name):
				t.Columns[i].Tests = append(c.Tests, dbtRefers(audit.StreamNamed(c.Name)))
			}
		}
		all.Tables = append(all.Tables, t)
		for _, c := range s.Children {
			t := dbtRows(left, s.Name, c.Name, c.Expect)
			for i, column := range t.Columns {
				if column.Name == c.Parent {
					t.Columns[i].Tests = append(column.Tests, "not_null", dbtRefers(s.Name))
				}
			}
			all.Tables = append(all.Tables, t)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		all.Tables = append(all.Tables, dbtTable{Name: name, Description: left[name].comment, Columns: dbtColumns(left[name].columns, item.Expect{})})
	}
	var b strings.Builder
	b.WriteString(dbtHead)
	out := yaml.NewEncoder(&b)
	out.SetIndent(2)
	if err := out.Encode(dbtSources{2, []dbtSource{all}}); err != nil {
		return "", err
	}
	return b.String(), nil
}

// dbtRows describes a table of a stream by the view of its live rows, and takes both off what is left. They are as fresh as the
// stream; a daemon has them fresh within minutes, and an hour is worth a word.
func dbtRows(left map[string]table, stream, name string, expect item.Expect) dbtTable {
	live := left[liveView(name)]
	delete(left, name)
	delete(left, live.name)
	return dbtTable{
		Name: name, Identifier: live.name, Description: live.comment, Columns: dbtColumns(live.columns, expect),
		Config: &dbtConfig{
			LoadedAt:  fmt.Sprintf("select data_through from %s.freshness where stream = '%s'", dbtSchema, stream),
			Freshness: dbtFreshness{dbtAge{1, "hour"}},
		},
	}
}

func dbtColumns(columns []column, expect item.Expect) (described []dbtColumn) {
	for _, c := range columns {
		d := dbtColumn{Name: c.name, Description: c.comment, DataType: c.kind}
		if values := expect.Enums[c.name]; values != nil {
			// A value that is not known yet is news, and no mistake.
			d.Tests = append(d.Tests, dbtWarning("accepted_values", map[string]any{"values": values}))
		}
		described = append(described, d)
	}
	return described
}

// dbtRefers warns of rows whose other end is not there: Polar hides some of what others refer to.
func dbtRefers(stream string) any {
	return dbtWarning("relationships", map[string]any{"to": fmt.Sprintf("source('polar', '%s')", stream), "field": "id"})
}

func dbtWarning(test string, arguments map[string]any) any {
	return map[string]any{test: map[string]any{"arguments": arguments, "config": map[string]any{"severity": "warn"}}}
}
