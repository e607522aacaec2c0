package mirror_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// TestDriftOfAnUnchangedOrganizationIsNone: what is known of the objects is all that they are, for every stream and as
// time passes.
func TestDriftOfAnUnchangedOrganizationIsNone(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 150}})
	h.SyncAll(t)
	h.World.Advance(40 * 24 * 3600e9)
	h.SyncAll(t)
	for _, s := range catalog.Entries() {
		for _, d := range h.Drift(t, s.Name) {
			t.Errorf("%s: %+v", s.Name, d)
		}
	}
}

func TestDriftOfEachKind(t *testing.T) {
	t.Parallel()
	const element = `{"id":"11111111-2222-4333-8444-555555555555","created_at":"2026-01-02T03:04:05Z","modified_at":null,"label":"x","amount":1,"tax_amount":0,"proration":false,"product_price_id":null`
	for name, c := range map[string]struct {
		stream, path, fault string // id= is added
		want                []worldtest.DriftRow
		rejected            int64
	}{
		"a new field":               {"customers", "/v1/customers/", `set:field=shoe_size,value=43`, []worldtest.DriftRow{{Kind: "new_field", Field: "shoe_size"}}, 0},
		"a new field that is null":  {"customers", "/v1/customers/", `set:field=shoe_size,value=null`, []worldtest.DriftRow{{Kind: "new_field", Field: "shoe_size"}}, 0},
		"a name of ours":            {"customers", "/v1/customers/", `set:field=_hash,value="x"`, []worldtest.DriftRow{{Kind: "new_field", Field: "_hash"}}, 0},
		"another type":              {"customers", "/v1/customers/", `set:field=name,value={"first":"A"}`, []worldtest.DriftRow{{Kind: "type", Field: "name", Value: "object"}}, 1},
		"a number for a text":       {"orders", "/v1/orders/", `set:field=status,value=7`, []worldtest.DriftRow{{Kind: "type", Field: "status", Value: "number"}}, 1},
		"no list":                   {"orders", "/v1/orders/", `set:field=items,value={}`, []worldtest.DriftRow{{Kind: "type", Field: "items", Value: "object"}}, 1},
		"a new value":               {"orders", "/v1/orders/", `set:field=status,value="on_hold"`, []worldtest.DriftRow{{Kind: "new_value", Field: "status", Value: "on_hold"}}, 0},
		"a known value, escaped":    {"orders", "/v1/orders/", `set:field=status,value="p\u0061id"`, nil, 0},
		"null for a value":          {"orders", "/v1/orders/", `set:field=status,value=null`, nil, 0},
		"a missing field":           {"customers", "/v1/customers/", "noid:", []worldtest.DriftRow{{Kind: "missing_field", Field: "id"}}, 1},
		"a child with a new field":  {"orders", "/v1/orders/", `set:field=items,value=[` + element + `,"weight":3}]`, []worldtest.DriftRow{{Kind: "new_field", Field: "items[].weight"}}, 0},
		"a child without a field":   {"orders", "/v1/orders/", `set:field=items,value=[` + strings.Replace(element, `"label":"x",`, "", 1) + `}]`, []worldtest.DriftRow{{Kind: "missing_field", Field: "items[].label"}}, 0},
		"a child with another type": {"orders", "/v1/orders/", `set:field=items,value=[` + strings.Replace(element, `"amount":1`, `"amount":"1"`, 1) + `}]`, []worldtest.DriftRow{{Kind: "type", Field: "items[].amount", Value: "string"}}, 1},
		"a NUL in a new value":      {"orders", "/v1/orders/", `set:field=status,value="a\u0000b"`, []worldtest.DriftRow{{Kind: "new_value", Field: "status", Value: `a\0b`}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 40}})
			id, _ := h.someID(t, c.stream)
			kind, rest, _ := strings.Cut(c.fault, ":")
			fault := kind + ":path=" + c.path + ",id=" + id
			if rest != "" {
				fault += "," + rest
			}
			h.Fault(t, fault)
			for runs := int64(1); runs <= 2; runs++ {
				r := h.SweepOnce(t.Context(), c.stream)
				if r.Rejected != c.rejected || c.rejected == 0 && r.Outcome != mirror.Succeeded || r.Err != nil {
					t.Fatalf("%s, %d rejected: %s", r.Outcome, r.Rejected, r.Reason)
				}
				want := append([]worldtest.DriftRow{}, c.want...)
				for i := range want {
					want[i].Runs = runs
					if sample := uuid.MustParse(id); want[i].Field != "id" {
						want[i].Sample = &sample
					}
				}
				if d := cmp.Diff(want, h.Drift(t, c.stream)); d != "" {
					t.Errorf("after run %d: %s", runs, d)
				}
			}
			// What has gone again stays on record, with the run that met it last.
			h.Server.ClearFaults()
			h.SyncAll(t, c.stream)
			for _, d := range h.Drift(t, c.stream) {
				if d.Runs != 2 {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// removing leaves a field out of every object, wherever it stands.
type removing struct{ field, path string }

func (r removing) RoundTrip(req *http.Request) (*http.Response, error) {
	return worldtest.Rewrite(req, func(h http.Header, body []byte) []byte {
		if req.URL.Path != r.path {
			return body
		}
		return bytes.ReplaceAll(body, []byte(`"`+r.field+`":null,`), nil)
	})
}

// otherVersion answers in another version than was asked for.
type otherVersion struct{}

func (otherVersion) RoundTrip(req *http.Request) (*http.Response, error) {
	return worldtest.Rewrite(req, func(h http.Header, body []byte) []byte {
		h.Set("Polar-Version", "2027-01")
		return body
	})
}

// TestDriftOfAFieldThatIsNoLongerSent in a million rows is one row, and the column is null.
func TestDriftOfAFieldThatIsNoLongerSent(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 40}})
	r := h.MirrorThrough(t, removing{"locale", "/v1/customers/"}, nil).SweepOnce(t.Context(), "customers")
	if r.Outcome != mirror.Succeeded {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	got := h.Drift(t, "customers")
	if len(got) != 1 || got[0].Kind != "missing_field" || got[0].Field != "locale" || got[0].Runs != 1 || got[0].Sample == nil {
		t.Errorf("%+v", got)
	}
}

// TestDriftOfTheVersion: another version than asked for is a warning and a row, and no failure.
func TestDriftOfTheVersion(t *testing.T) {
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 10}})
	var out worldtest.LockedBuffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if r := h.MirrorThrough(t, otherVersion{}, log).SweepOnce(t.Context(), "customers"); r.Outcome != mirror.Succeeded {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	want := []worldtest.DriftRow{{Kind: "version", Field: "Polar-Version", Value: "2027-01", Runs: 1}}
	if d := cmp.Diff(want, h.Drift(t, "customers")); d != "" {
		t.Error(d)
	}
	if !strings.Contains(out.String(), "2027-01") {
		t.Errorf("no warning in %q", out.String())
	}
}

// TestDriftIsBounded: a field whose value is another in each row is not a row each.
func TestDriftIsBounded(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 300}})
	r := h.MirrorThrough(t, rewriting(func(req *http.Request, body []byte) []byte {
		if req.URL.Path != "/v1/customers/" {
			return body
		}
		return bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`"type":"individual"`), []byte(`"type":"individual","n":1`)), []byte(`"id":"`), []byte(`"id_":1,"id":"`))
	}), nil).SweepOnce(t.Context(), "customers")
	if r.Outcome != mirror.Succeeded {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	if got := h.Drift(t, "customers"); len(got) != 2 {
		t.Errorf("%d rows: %+v", len(got), got)
	}
	r = h.MirrorThrough(t, rewriting(func(req *http.Request, body []byte) []byte {
		if req.URL.Path != "/v1/customers/" {
			return body
		}
		return bytes.ReplaceAll(body, []byte(`"id":"`), []byte(`"type":"kind `)) // ids as values, and no id
	}), nil).SweepOnce(t.Context(), "customers")
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_drift WHERE kind = 'new_value'"); n == 0 || n > 100 {
		t.Errorf("%d values on record; %s", n, r.Reason)
	}
}

type rewriting func(req *http.Request, body []byte) []byte

func (f rewriting) RoundTrip(req *http.Request) (*http.Response, error) {
	return worldtest.Rewrite(req, func(_ http.Header, body []byte) []byte { return f(req, body) })
}
