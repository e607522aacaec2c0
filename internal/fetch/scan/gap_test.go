package scan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// TestQuarantineStepsOverRowsThatCannotBeRendered: each row that turns its page into a 500 is a gap, once, wherever it
// stands, and all others come.
func TestQuarantineTrap30_StepsOverRowsThatCannotBeRendered(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	for _, test := range []struct {
		name, path string
		scan       Scan
	}{
		{"offset", "/v1/customers/", Offset{Sort: []string{"-created_at", "email"}}},
		{"keyset", "/v1/orders/", Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}},
		{"keyset of 7", "/v1/orders/", Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}, Limit: 7}},
		{"offset of 7", "/v1/customers/", Offset{Sort: []string{"-created_at", "email"}, Limit: 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{})
			all := idsInOrder(t, c, test.scan, test.path)
			for _, bad := range [][]int{{0}, {len(all) - 1}, {57}, {99}, {100}, {98, 99, 100, 101}, {0, 45, 46, 170, len(all) - 1}} {
				sim.ClearFaults()
				missing := map[string]bool{}
				for _, i := range bad {
					sim.AddFault(polarsim.Fault{Kind: "500", Path: test.path, ID: all[i]})
					missing[all[i]] = true
				}
				got, places := map[string]bool{}, map[string]bool{}
				for p, err := range test.scan.Pages(context.Background(), c, test.path, nil, Cursor{}) {
					if err != nil {
						t.Fatalf("rows %v: %v", bad, err)
					}
					for _, item := range p.Items {
						got[idOf(t, item)] = true
					}
					for _, g := range p.Gaps {
						if !errors.Is(g.Err, fetch.ErrTransient) {
							t.Errorf("rows %v: the gap says %v", bad, g.Err)
						}
						places[fmt.Sprint(g.Row, g.Query)] = true
					}
				}
				if len(places) != len(bad) {
					t.Errorf("rows %v: gaps %v", bad, places)
				}
				for _, id := range all {
					if got[id] == missing[id] {
						t.Errorf("rows %v: row %s came: %v", bad, id, got[id])
					}
				}
			}
		})
	}
}

// TestQuarantineIsNoMaskForAnOutage: what fails everywhere is an error, and found out cheaply.
func TestQuarantineIsNoMaskForAnOutage(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	scan := Offset{Sort: []string{"-created_at", "email"}}
	c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{})
	all := idsInOrder(t, c, scan, "/v1/customers/")
	for name, test := range map[string]struct {
		faults []polarsim.Fault
		most   int64 // requests
	}{
		"everything":                {[]polarsim.Fault{{Kind: "500", Path: "/v1/customers/"}}, 10},
		"the gateway":               {[]polarsim.Fault{{Kind: "502", Path: "/v1/customers/"}}, 6},
		"every row":                 {rowFaults(all), 17},
		"what begins in the middle": {append(rowFaults(all[3:4]), polarsim.Fault{Kind: "500", Path: "/v1/customers/", Skip: 5}), 15},
	} {
		sim.ClearFaults()
		for _, f := range test.faults {
			sim.AddFault(f)
		}
		before := c.Requests()
		var failed error
		for _, err := range scan.Pages(context.Background(), c, "/v1/customers/", nil, Cursor{}) {
			failed = err
		}
		if !errors.Is(failed, fetch.ErrTransient) {
			t.Errorf("%s: %v", name, failed)
		}
		if n := c.Requests() - before; n > test.most {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func rowFaults(ids []string) (faults []polarsim.Fault) {
	for _, id := range ids {
		faults = append(faults, polarsim.Fault{Kind: "500", Path: "/v1/customers/", ID: id})
	}
	return faults
}

// TestSalvageBearsAFewSeconds in which nothing comes, also where rows are known that cannot be rendered.
func TestSalvageBearsAFewSeconds(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	scan := Offset{Sort: []string{"-created_at", "email"}}
	c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{})
	all := idsInOrder(t, c, scan, "/v1/customers/")
	for _, known := range [][]string{nil, {"after " + all[5]}} {
		sim.ClearFaults()
		sim.AddFault(polarsim.Fault{Kind: "500", Path: "/v1/customers/", Skip: 1, Times: 8})
		if _, gaps, items := extra(t, fetch.WithGaps(context.Background(), known), c, scan, "/v1/customers/", 0); len(gaps) > 0 || items != len(all) {
			t.Errorf("%v: %d items of %d, gaps %+v", known, items, len(all), gaps)
		}
	}
}

// extra is what a scan costs beyond one of a list without faults, and what it found.
func extra(t *testing.T, ctx context.Context, c *fetch.Client, scan Scan, path string, clean int64) (cost int64, gaps []fetch.Gap, items int) {
	t.Helper()
	before := c.Requests()
	seen := map[string]bool{}
	places := map[string]bool{}
	for p, err := range scan.Pages(ctx, c, path, nil, Cursor{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range p.Items {
			seen[idOf(t, item)] = true
		}
		for _, g := range p.Gaps {
			if key := g.Place + fmt.Sprint(g.Row); !places[key] {
				places[key], gaps = true, append(gaps, g)
			}
		}
	}
	return c.Requests() - before - clean, gaps, len(seen)
}

// TestQuarantineCosts: a lone row costs as many requests as it takes to halve a page down to it, and four more; many cost
// in proportion, wherever they stand; and a place that is known is asked for once.
func TestQuarantineCosts(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const lone = 2*7 + 4 - 1 // the first request for the page is one of a clean scan
	for _, test := range []struct {
		name, path string
		customers  int
		scan       Scan
	}{
		{"offset", "/v1/customers/", 420, Offset{Sort: []string{"-created_at", "email"}}},
		{"keyset", "/v1/orders/", 70, Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, sim := fetchtest.Simulated(t, polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: test.customers}), polarsim.ServerOptions{})
			before := c.Requests()
			all := idsInOrder(t, c, test.scan, test.path)
			clean := c.Requests() - before
			spoil := func(rows ...int) {
				sim.ClearFaults()
				for _, i := range rows {
					sim.AddFault(polarsim.Fault{Kind: "500", Path: test.path, ID: all[i]})
				}
			}
			for _, row := range []int{100, 101, 149, 150, 174, 175, 198, 199} {
				spoil(row)
				ctx := fetch.WithGaps(context.Background(), nil)
				waits := c.Budget().Retries
				cost, gaps, items := extra(t, ctx, c, test.scan, test.path, clean)
				most := int64(lone)
				switch {
				case test.name == "keyset" && row == 198:
					most *= 2 // the last row of its page is on the next one too
				case test.name == "offset" && row == 199:
					most = 13 // the last part is not asked for where all others came
				}
				if cost > most || len(gaps) != 1 || items != len(all)-1 {
					t.Fatalf("row %d: %d requests more, %d gaps, %d items of %d", row, cost, len(gaps), items, len(all))
				}
				if want := "after " + all[row-1]; gaps[0].Place != want && row%100 != 0 || gaps[0].Err == nil {
					t.Errorf("row %d: place %q, want %q", row, gaps[0].Place, want)
				}
				if waits = c.Budget().Retries - waits; waits != 2 { // of the page, the others follow at once
					t.Errorf("row %d: waited %d times", row, waits)
				}
				ctx = fetch.WithGaps(context.Background(), []string{gaps[0].Place})
				waits = c.Budget().Retries
				again, gaps, items := extra(t, ctx, c, test.scan, test.path, clean)
				most = cost - 2
				if row == 101 {
					most-- // this one was asked for once more before
				}
				if again > most || len(gaps) != 1 || items != len(all)-1 {
					t.Errorf("row %d, known: %d requests more, %d before; %d gaps, %d items", row, again, cost, len(gaps), items)
				}
				if waits = c.Budget().Retries - waits; waits != 0 {
					t.Errorf("row %d, known: waited %d times", row, waits)
				}
				sim.ClearFaults()
				if healed, gaps, items := extra(t, ctx, c, test.scan, test.path, clean); healed != 0 || len(gaps) != 0 || items != len(all) {
					t.Errorf("row %d, healed: %d requests more, %d gaps, %d items", row, healed, len(gaps), items)
				}
			}
			var some []int
			for i := 0; i < 200; i++ {
				some = append(some, i+90)
			}
			spoil(some...)
			if cost, gaps, items := extra(t, context.Background(), c, test.scan, test.path, clean); cost > 200*3 || len(gaps) != 200 || items != len(all)-200 {
				t.Errorf("200 rows side by side: %d requests more, %d gaps, %d items of %d", cost, len(gaps), items, len(all))
			}
			some = nil
			for i := 0; i < len(all); i += 9 {
				some = append(some, i)
			}
			spoil(some...)
			if cost, gaps, items := extra(t, context.Background(), c, test.scan, test.path, clean); cost > int64(len(some)*lone) || len(gaps) != len(some) || items != len(all)-len(some) {
				t.Errorf("%d rows: %d requests more, %d gaps, %d items of %d", len(some), cost, len(gaps), items, len(all))
			}
		})
	}
}

// TestQuarantineOfWhatIsTooLarge: a page beyond what is accepted comes in parts, and a row that is so alone is a gap.
func TestQuarantineOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	c, sim := fetchtest.Simulated(t, world, polarsim.ServerOptions{}, func(cfg *fetch.Config) { cfg.MaxBody = 1 << 20 })
	scan := Offset{Sort: []string{"-created_at", "email"}}
	all := idsInOrder(t, c, scan, "/v1/customers/")
	blob := func(i, size int) {
		sim.AddFault(polarsim.Fault{Kind: "set", Path: "/v1/customers/", ID: all[i], Field: "metadata", Value: `"` + strings.Repeat("x", size) + `"`})
	}
	for _, i := range []int{3, 30, 60, 90} { // together they are too large
		blob(i, 400<<10)
	}
	blob(120, 2<<20)
	_, gaps, items := extra(t, context.Background(), c, scan, "/v1/customers/", 0)
	if items != len(all)-1 || len(gaps) != 1 || gaps[0].Place != "after "+all[119] || !strings.Contains(gaps[0].Err.Error(), "accepted") {
		t.Errorf("%d items of %d, gaps %+v", items, len(all), gaps)
	}
}

// idsInOrder reads a list that has no faults.
func idsInOrder(t *testing.T, c *fetch.Client, scan Scan, path string) (ids []string) {
	t.Helper()
	for p, err := range scan.Pages(context.Background(), c, path, nil, Cursor{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range p.Items {
			ids = append(ids, idOf(t, item))
		}
	}
	return ids
}

func idOf(t *testing.T, item []byte) string {
	t.Helper()
	var v struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(item, &v); err != nil {
		t.Fatal(err)
	}
	return v.ID
}
