package dbt

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"syncd/internal/localpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type described struct {
	Name, Identifier, Description string
	Columns                       []described
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Each model runs on the sources that there are, and has the columns that are described. dbt itself is Python, and not in CI.
func TestModels(t *testing.T) {
	t.Parallel()
	var sources struct {
		Sources []struct{ Tables []described }
	}
	read(t, "models/sources.yml", &sources)
	tables := map[string]string{}
	for _, table := range sources.Sources[0].Tables {
		tables[table.Name] = "polar." + table.Name
		if table.Identifier != "" {
			tables[table.Name] = "polar." + table.Identifier
		}
	}
	var models struct{ Models []described }
	read(t, "models/marts/schema.yml", &models)
	files, err := filepath.Glob("models/marts/*.sql")
	if err != nil || len(files) != len(models.Models) || len(files) < 3 {
		t.Fatalf("%d models, %d described: %v", len(files), len(models.Models), err)
	}
	db := pgtest.Connect(t, pgtest.Migrated(t))
	for _, model := range models.Models {
		text, err := os.ReadFile("models/marts/" + model.Name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		sql := regexp.MustCompile(`\{\{ source\('polar', '(\w+)'\) \}\}`).ReplaceAllStringFunc(string(text), func(ref string) string {
			name := strings.Split(ref, "'")[3]
			if tables[name] == "" {
				t.Errorf("%s reads %s, which is no source", model.Name, name)
			}
			return tables[name]
		})
		rows, err := db.Query(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", model.Name, err)
		}
		var has, says []string
		for _, f := range rows.FieldDescriptions() {
			has = append(has, f.Name)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", model.Name, err)
		}
		for _, c := range model.Columns {
			if says = append(says, c.Name); c.Description == "" {
				t.Errorf("%s.%s is not described", model.Name, c.Name)
			}
		}
		slices.Sort(has)
		slices.Sort(says)
		if diff := cmp.Diff(has, says); diff != "" {
			t.Errorf("%s (-has +says):\n%s", model.Name, diff)
		}
	}
}
