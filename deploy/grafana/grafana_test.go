package grafana

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// dashboard is a dashboard in the form that Grafana imports: schema version 39 is that of Grafana 10.4 and newer.
type dashboard struct {
	UID           string
	Title         string
	Description   string
	Tags          []string
	SchemaVersion int
	Version       int
	Editable      bool
	GraphTooltip  int
	Timezone      string
	Refresh       string
	Time          struct{ From, To string }
	Templating    struct{ List []variable }
	Annotations   struct{ List []any }
	Panels        []panel
	Links         []any
}

type variable struct {
	Name, Label, Type, Query, Definition string
	Datasource                           *datasource
	Hide, Refresh, Sort                  int
	Multi, IncludeAll                    bool
	Current                              any
	Options                              []any
}

type datasource struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []target
	FieldConfig, Options     any
}

type target struct {
	RefID, Format, EditorMode, RawSQL string
	RawQuery                          bool
	Datasource                        datasource
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		known := json.NewDecoder(bytes.NewReader(text))
		known.DisallowUnknownFields()
		if err := known.Decode(&d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[file] = d
	}
	return all
}

// Panels have ids of their own, lie within the 24 columns, and on none of the others; every variable that is named is there.
func TestDashboardsAreWellFormed(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{"stat": true, "timeseries": true, "table": true}
	for file, d := range dashboards(t) {
		if d.SchemaVersion != 39 || d.UID == "" || d.Title == "" || d.Time.From == "" || d.Time.To != "now" || len(d.Panels) < 8 {
			t.Errorf("%s: %+v", file, d)
		}
		named := map[string]bool{"__timeFilter": true}
		for _, v := range d.Templating.List {
			named[v.Name] = true
		}
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] || !kinds[p.Type] || p.Title == "" || len(p.Targets) != 1 || p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: panel %d, %q: %+v", file, p.ID, p.Title, p)
				continue
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: %q lies at %+v", file, p.Title, p.GridPos)
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if taken[at] != "" {
						t.Fatalf("%s: %q lies on %q", file, p.Title, taken[at])
					}
					taken[at] = p.Title
				}
			}
			for _, name := range regexp.MustCompile(`\$\{?([A-Za-z_]+)`).FindAllStringSubmatch(p.Targets[0].RawSQL, -1) {
				// $schema_sync would be another variable than ${schema}_sync.
				if !named[name[1]] {
					t.Errorf("%s: %q names $%s, which is no variable", file, p.Title, name[1])
				}
			}
			if series := p.Targets[0].Format == "time_series"; series != (p.Type == "timeseries") {
				t.Errorf("%s: %q has the format %s", file, p.Title, p.Targets[0].Format)
			}
		}
	}
}

// mayBeEmpty are panels that show nothing while all is well.
var mayBeEmpty = map[string]bool{
	"Runs that did not succeed": true, "Objects that could not be stored": true, "What Polar sends and syncd does not know": true, "Changes by day": true,
}

// Each query runs, and shows something of an organization that was just mirrored.
func TestDashboardQueries(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 60, Now: time.Now().UTC().Truncate(time.Hour)}})
	h.SyncAll(t)
	h.Round(t)
	for file, d := range dashboards(t) {
		fill := strings.NewReplacer("${schema}", "polar", "$schema", "polar", "$currency", "usd")
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				if found := rows(t, h, fill.Replace(v.Query)); found == 0 {
					t.Errorf("%s: the variable %s has no values", file, v.Name)
				}
			}
		}
		for _, p := range d.Panels {
			sql := regexp.MustCompile(`\$__timeFilter\(([^)]+)\)`).ReplaceAllString(p.Targets[0].RawSQL, "$1 BETWEEN now() - interval '12 months' AND now()")
			if found := rows(t, h, fill.Replace(sql)); found == 0 && !mayBeEmpty[p.Title] {
				t.Errorf("%s: %q shows nothing", file, p.Title)
			}
		}
	}
}

// rows runs a query as a reader's tool does, whose search path is not ours, and counts what it gives.
func rows(t *testing.T, h *worldtest.Harness, sql string) (n int) {
	t.Helper()
	h.Aside(t, func(tx pgx.Tx) {
		if _, err := tx.Exec(t.Context(), "SET LOCAL search_path = pg_catalog"); err != nil {
			t.Fatal(err)
		}
		found, err := tx.Query(t.Context(), sql)
		if err == nil {
			var list []map[string]any
			list, err = pgx.CollectRows(found, pgx.RowToMap)
			n = len(list)
		}
		if err != nil {
			t.Errorf("%v in:\n%s", err, sql)
		}
	})
	return n
}
