package polarsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asked is the answer of a fleet: its status and, of a list, the ids.
func asked(t *testing.T, f *Fleet, token, organization, path string) (status int, ids []string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if organization != "" {
		r.Header.Set("Polar-Organization", organization)
	}
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, r)
	var list struct {
		Items      []struct{ ID string }
		Pagination struct {
			TotalCount int `json:"total_count"`
		}
	}
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil {
			t.Fatalf("%v in %s", err, rec.Body)
		}
	}
	for _, item := range list.Items {
		ids = append(ids, item.ID)
	}
	return rec.Code, ids
}

// Each token leads to an organization with rows of its own, which is made when it is first asked for.
func TestFleet(t *testing.T) {
	t.Parallel()
	f := NewFleet(FleetOptions{Organizations: 300, World: Options{Seed: 7, Customers: 5}, Server: ServerOptions{PerMinute: 20}})
	seen := map[string]bool{}
	for _, n := range []int{1, 42, 300} {
		if _, ids := asked(t, f, f.Token(n), "", "/v1/organizations/"); !slices.Equal(ids, []string{f.ID(n)}) {
			t.Errorf("%s shows organizations %v, want %s", f.Token(n), ids, f.ID(n))
		}
		_, ids := asked(t, f, f.Token(n), "", "/v1/orders/?limit=100")
		for _, id := range ids {
			if seen[id] {
				t.Errorf("order %s is in two organizations", id)
			}
			seen[id] = true
		}
	}
	if got := f.Made(); !slices.Equal(got, []int{1, 42, 300}) {
		t.Errorf("organizations %v were made, of which three were asked for", got)
	}
	if len(seen) != 3*30 {
		t.Errorf("%d orders in three organizations of five customers", len(seen))
	}
	for _, token := range []string{f.Token(301), f.Token(0), AnyToken, "polar_oat_other", PersonalToken + "s", ""} {
		if status, _ := asked(t, f, token, "", "/v1/orders/"); status != http.StatusUnauthorized {
			t.Errorf("token %q: %d, want 401", token, status)
		}
	}
	// The limit of one is not that of another.
	limited := func(n int) (status int) {
		for range 21 {
			status, _ = asked(t, f, f.Token(n), "", "/v1/meters/")
		}
		return status
	}
	if status := limited(42); status != http.StatusTooManyRequests {
		t.Errorf("the 21st request of an organization: %d, want 429", status)
	}
	if status, _ := asked(t, f, f.Token(300), "", "/v1/meters/"); status != http.StatusOK {
		t.Errorf("another organization: %d, want 200", status)
	}
}

// A personal token acts on the organization that the header names, where it is honoured, and else shows all organizations.
func TestFleetPersonalToken(t *testing.T) {
	t.Parallel()
	for _, header := range []bool{true, false} {
		f := NewFleet(FleetOptions{Organizations: 12, World: Options{Customers: 5}, Header: header})
		_, all := asked(t, f, PersonalToken, "", "/v1/organizations/?limit=5&page=3")
		if want := []string{f.ID(11), f.ID(12)}; !slices.Equal(all, want) {
			t.Errorf("the third page of all organizations: %v, want %v", all, want)
		}
		_, one := asked(t, f, PersonalToken, f.ID(3), "/v1/organizations/")
		if header != slices.Equal(one, []string{f.ID(3)}) {
			t.Errorf("with the header, honoured %t: organizations %v", header, one)
		}
		want := http.StatusForbidden
		if header {
			want = http.StatusOK
		}
		if status, _ := asked(t, f, PersonalToken, f.ID(3), "/v1/orders/"); status != want {
			t.Errorf("orders with the header, honoured %t: %d, want %d", header, status, want)
		}
	}
}

// Changes come to all that have been asked for, and controls to the one that is named.
func TestFleetControls(t *testing.T) {
	t.Parallel()
	f := NewFleet(FleetOptions{Organizations: 50, World: Options{Customers: 5}})
	f.Churn(3)
	if made := f.Made(); len(made) > 0 {
		t.Errorf("changes made organizations %v, for which nobody has asked", made)
	}
	before := map[int]uint64{}
	for _, n := range []int{3, 4} {
		before[n] = f.Server(n).World().version
	}
	f.Churn(60)
	for n, version := range before {
		if f.Server(n).World().version == version {
			t.Errorf("none of sixty changes came to organization %d of two", n)
		}
	}
	for path, want := range map[string]string{
		"/sim/stats":                 `"made":2`,
		"/sim/stats?organization=3":  f.ID(3),
		"/sim/stats?organization=51": "1 to 50",
		"/sim/faults":                "which one",
	} {
		rec := httptest.NewRecorder()
		f.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %s, want %s", path, rec.Body, want)
		}
	}
	// A link to a document needs no token, and leads to the organization whose order it is of.
	w := f.Server(4).World()
	if got := f.ofFile(filesPrefix + "invoices/" + w.id(KindOrder, 2).String() + ".pdf"); got != 4 {
		t.Errorf("the document of an order of organization 4 is asked of %d", got)
	}
}

func TestFleetConfig(t *testing.T) {
	t.Parallel()
	f := NewFleet(FleetOptions{Organizations: 3})
	dir := filepath.Join(t.TempDir(), "organizations")
	for range 2 { // a second time, too
		if err := f.WriteConfig(dir, "http://127.0.0.1:1"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "org_0002.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("polar_server: http://127.0.0.1:1\npolar_access_token: %s\nschema: polar_0002\n", f.Token(2)); string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
}

// Two fleets have no organization in common, however near their seeds are. The first organization is that of the seed itself.
func TestFleetsShareNothing(t *testing.T) {
	t.Parallel()
	of := map[string]string{}
	for seed := range uint64(20) {
		f := NewFleet(FleetOptions{Organizations: 50, World: Options{Seed: seed, Customers: 1}})
		for n := 1; n <= 50; n++ {
			here := fmt.Sprintf("organization %d of seed %d", n, seed)
			if there, is := of[f.ID(n)]; is {
				t.Fatalf("%s is %s", here, there)
			}
			of[f.ID(n)] = here
		}
		if keys := newIDKeys(seed); f.ID(1) != keys.id(KindOrganization, 0).String() {
			t.Errorf("the first organization of seed %d is another one", seed)
		}
	}
	if f := NewFleet(FleetOptions{Organizations: 2, World: Options{Seed: 7, Customers: 1}}); f.Server(2).World().id(KindOrganization, 0).String() != f.ID(2) {
		t.Error("an organization has another id than its fleet says")
	}
}
