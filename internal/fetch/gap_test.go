package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"

	"syncd/internal/fetch"
	"syncd/internal/polarsim"
)

// TestQuarantineStepsOverRowsThatCannotBeRendered: each row that turns its page into a 500 is a gap, once, wherever it
// stands, and all others come.
func TestQuarantineTrap30_StepsOverRowsThatCannotBeRendered(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	for _, test := range []struct {
		name, path string
		scan       fetch.Scan
	}{
		{"offset", "/v1/customers/", fetch.Offset{Sort: []string{"-created_at", "email"}}},
		{"keyset", "/v1/orders/", fetch.Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}}},
		{"keyset of 7", "/v1/orders/", fetch.Keyset{Sort: "created_at", After: "created_after", Then: []string{"invoice_number"}, Limit: 7}},
		{"offset of 7", "/v1/customers/", fetch.Offset{Sort: []string{"-created_at", "email"}, Limit: 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, sim := simulated(t, world, polarsim.ServerOptions{})
			all := idsInOrder(t, c, test.scan, test.path)
			for _, bad := range [][]int{{0}, {len(all) - 1}, {57}, {99}, {100}, {98, 99, 100, 101}, {0, 45, 46, 170, len(all) - 1}} {
				sim.ClearFaults()
				missing := map[string]bool{}
				for _, i := range bad {
					sim.AddFault(polarsim.Fault{Kind: "500", Path: test.path, ID: all[i]})
					missing[all[i]] = true
				}
				got, places := map[string]bool{}, map[string]bool{}
				for p, err := range test.scan.Pages(context.Background(), c, test.path, nil, fetch.Cursor{}) {
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

// TestQuarantineIsNoMaskForAnOutage: what fails everywhere, or on too many rows, is an error, and found out cheaply.
func TestQuarantineIsNoMaskForAnOutage(t *testing.T) {
	t.Parallel()
	world := polarsim.NewWorld(polarsim.Options{Seed: 7, Customers: 240})
	scan := fetch.Offset{Sort: []string{"-created_at", "email"}}
	c, sim := simulated(t, world, polarsim.ServerOptions{})
	all := idsInOrder(t, c, scan, "/v1/customers/")
	for name, test := range map[string]struct {
		faults []polarsim.Fault
		most   int64 // requests
	}{
		"everything":  {[]polarsim.Fault{{Kind: "500", Path: "/v1/customers/"}}, 10},
		"the gateway": {[]polarsim.Fault{{Kind: "502", Path: "/v1/customers/"}}, 6},
		"21 rows":     {rowFaults(all[3:24]), 100},
	} {
		sim.ClearFaults()
		for _, f := range test.faults {
			sim.AddFault(f)
		}
		before := c.Requests()
		var failed error
		for _, err := range scan.Pages(context.Background(), c, "/v1/customers/", nil, fetch.Cursor{}) {
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

// idsInOrder reads a list that has no faults.
func idsInOrder(t *testing.T, c *fetch.Client, scan fetch.Scan, path string) (ids []string) {
	t.Helper()
	for p, err := range scan.Pages(context.Background(), c, path, nil, fetch.Cursor{}) {
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
