package mirror_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/mirror"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// someID is one row of a stream, from the middle of it, by the API.
func (h *harness) someID(t *testing.T, stream string) (id string, total int) {
	t.Helper()
	for _, s := range catalog.Entries() {
		if s.Name == stream {
			list := h.Upstream(t, s)
			return list[len(list)/2]["id"].(string), len(list)
		}
	}
	t.Fatalf("no stream %s", stream)
	return "", 0
}

type reject struct {
	Key, Reason string
	ItemID      *uuid.UUID
	Body        []byte
	TimesSeen   int64
	Resolved    bool
}

func (h *harness) rejects(t *testing.T, stream string) []reject {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), "SELECT key, reason, item_id, body, times_seen, resolved_at IS NOT NULL FROM sync_rejects WHERE stream = $1 ORDER BY key", stream)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[reject])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// wire is the item as the server sends it within its list, byte for byte.
func (h *harness) wire(t *testing.T, path, contains string) []byte {
	t.Helper()
	for page := 1; ; page++ {
		status, body := h.Call(t, http.MethodGet, fmt.Sprintf("%s?limit=100&page=%d", path, page), "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
		d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		items := 0
		for d.StackPointer() != "/items" {
			if _, err := d.ReadToken(); err != nil {
				t.Fatal(err)
			}
		}
		for _, err := d.ReadToken(); d.PeekKind() != ']'; items++ {
			item, e := d.ReadValue()
			if err != nil || e != nil {
				t.Fatal(err, e)
			}
			if bytes.Contains(item, []byte(contains)) {
				return bytes.Clone(item)
			}
		}
		if items == 0 {
			t.Fatalf("%s: %s is nowhere", path, contains)
		}
	}
}

// TestQuarantine: an item that cannot be stored costs exactly that item. It is kept whole with the reason, the run says
// so, the next sweep tries it again, and when it has healed nothing is left of it.
func TestQuarantine(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, c := range map[string]struct {
		stream, path string
		fault        string // id= and path= are added
		noID         bool
		says         string
	}{
		"NUL in a text column":          {"customers", "/v1/customers/", "nul:field=name", false, "Postgres refused it"},
		"NUL in an object":              {"customers", "/v1/customers/", `set:field=metadata,value={"k":"a\u0000b"}`, false, "Postgres refused it"},
		"NUL in a field without column": {"customers", "/v1/customers/", `set:field=brand_new,value="a\u0000b"`, false, "Postgres refused it"},
		"400 digits in a bigint column": {"orders", "/v1/orders/", "bigint:", false, "total_amount"},
		"no id":                         {"customers", "/v1/customers/", "noid:", true, "no usable id"},
		"no id, keyset":                 {"orders", "/v1/orders/", "noid:", true, "no usable id"},
		"malformed id":                  {"customers", "/v1/customers/", "badid:", true, "no usable id"},
		"another type than the column":  {"orders", "/v1/orders/", "type:field=paid", false, "paid"},
		"a time that is none":           {"customers", "/v1/customers/", `set:field=modified_at,value="yesterday"`, false, "modified_at"},
		"invalid UTF-8":                 {"customers", "/v1/customers/", "utf8:field=name", false, "UTF-8"},
		"5 MB of another type":          {"customers", "/v1/customers/", "huge:field=name", false, "name"},
		"5 MB in an indexed column":     {"customers", "/v1/customers/", `set:field=email,value="` + noise(5<<20) + `"`, false, "Postgres refused it"},
		"a child of another type":       {"orders", "/v1/orders/", `set:field=items,value=[{"id":"11111111-2222-4333-8444-555555555555","amount":"many"}]`, false, "amount"},
		"a child without an id":         {"orders", "/v1/orders/", `set:field=items,value=[{"label":"x"}]`, false, "no usable id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, setup{World: polarsim.Options{Customers: 120, Orders: 250}}) // two and three pages
			id, total := h.someID(t, c.stream)
			kind, rest, _ := strings.Cut(c.fault, ":")
			h.Fault(t, strings.TrimSuffix(kind+":path="+c.path+",id="+id+","+rest, ","))

			r := h.SweepOnce(t.Context(), c.stream)
			if r.Outcome != mirror.Partial || r.Rejected != 1 || !strings.Contains(r.Reason, "1 items could not be stored") {
				t.Fatalf("%s, %d rejected: %.300s", r.Outcome, r.Rejected, r.Reason)
			}
			if rows := worldtest.Query[int](t, h, "SELECT count(*) FROM "+c.stream); rows != total-1 {
				t.Errorf("%d rows stored of %d", rows, total)
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM "+c.stream+" WHERE id = $1", id); n != 0 {
				t.Error("the spoilt item is in the table")
			}
			list := h.rejects(t, c.stream)
			if len(list) != 1 {
				t.Fatalf("%d rejects", len(list))
			}
			got := list[0]
			if !strings.Contains(got.Reason, c.says) || got.Resolved {
				t.Errorf("reason %q, resolved %v", got.Reason, got.Resolved)
			}
			if (got.ItemID == nil) != c.noID || got.ItemID != nil && got.ItemID.String() != id {
				t.Errorf("stored under the id %v", got.ItemID)
			}
			mark := id
			if c.noID {
				mark = string(got.Body[len(got.Body)/2:])
			}
			if sent := h.wire(t, c.path, mark); !bytes.Equal(got.Body, sent) {
				t.Errorf("kept %d bytes, sent were %d: %.200q", len(got.Body), len(sent), got.Body)
			}

			// The next sweep meets it again: the same reject, once more.
			if r := h.SweepOnce(t.Context(), c.stream); r.Outcome != mirror.Partial {
				t.Errorf("the second sweep: %s", r.Outcome)
			}
			if list := h.rejects(t, c.stream); len(list) != 1 || list[0].TimesSeen != 2 || list[0].Resolved {
				t.Errorf("after the second sweep: %d rejects, the first met %d times", len(list), list[0].TimesSeen)
			}

			h.Server.ClearFaults()
			h.SyncAll(t, c.stream)
			if list := h.rejects(t, c.stream); len(list) != 1 || !list[0].Resolved {
				t.Error("it has healed and is still open")
			}
			h.Equal(t, c.stream)
		})
	}
}

// noise is text that cannot be compressed to the size that an index takes.
func noise(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = "abcdefghijklmnopqrstuvwxyz012345"[x>>59]
	}
	return string(b)
}

// TestQuarantineTakesNothingThatPostgresCanHold: what is only unusual is stored, as exactly as it came.
func TestQuarantineTakesNothingThatPostgresCanHold(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 40}})
	digits := strings.Repeat("9", 400)
	id, _ := h.someID(t, "customers")
	h.Fault(t, "bigint:path=/v1/customers/,id="+id) // customers have no amount: metadata is the number
	h.SyncAll(t, "customers")
	if got := worldtest.Query[string](t, h, "SELECT metadata::text FROM customers WHERE id = $1", id); got != digits {
		t.Errorf("400 digits became %.60s...", got)
	}
	h.Server.ClearFaults()
	h.Fault(t, "huge:path=/v1/customers/,id="+id)
	h.SyncAll(t, "customers")
	if n := worldtest.Query[int](t, h, "SELECT length(metadata->>'blob') FROM customers WHERE id = $1", id); n != 5<<20 {
		t.Errorf("of 5 MB %d bytes are there", n)
	}
	h.SyncAll(t, "customers", "meters")
	meter, _ := h.someID(t, "customer_meters")
	h.Fault(t, "bigint:path=/v1/customer-meters/,field=balance,id="+meter)
	h.SyncAll(t, "customer_meters")
	if got := worldtest.Query[string](t, h, "SELECT balance::text FROM customer_meters WHERE id = $1", meter); got != digits {
		t.Errorf("a balance of 400 digits became %.60s...", got)
	}
	if list := h.rejects(t, "customers"); len(list) != 0 {
		t.Errorf("rejected: %+v", list)
	}
}

// TestQuarantineOfARowThatPolarCannotRender: the 500 of one row costs that row, not its page; nothing is held to be
// deleted meanwhile, and the gap closes when the row can be sent again.
func TestQuarantineOfARowThatPolarCannotRender(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for _, c := range []struct {
		stream, path string
		newest       bool // the row that counting asks for
	}{{"customers", "/v1/customers/", false}, {"orders", "/v1/orders/", false}, {"orders", "/v1/orders/", true}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			stream, path := c.stream, c.path
			h := start(t, setup{World: polarsim.Options{Customers: 220, Orders: 250}}) // three pages each
			h.SyncAll(t)
			id, total := h.someID(t, stream)
			if c.newest {
				page, _ := h.List(t, path, nil)
				id = page[0]["id"].(string)
			}
			deleted := worldtest.Query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE _deleted_at IS NOT NULL") // copies of deleted customers
			h.Fault(t, "500:path="+path+"*,id="+id)                                                                // asked for by id it fails as well
			for times := int64(1); times <= 2; times++ {
				r := h.SweepOnce(t.Context(), stream)
				if r.Outcome != mirror.Partial || !strings.Contains(r.Reason, "1 rows cannot be rendered by Polar") {
					t.Fatalf("%s: %s", r.Outcome, r.Reason)
				}
				if verdict := worldtest.Query[string](t, h, "SELECT verdict FROM sync_runs WHERE id = $1", r.RunID); verdict != "incomplete: 1 rows cannot be rendered by Polar" {
					t.Errorf("verdict %q", verdict)
				}
				if r.Read < int64(total-1) || r.Requests > int64(total/100+60) {
					t.Errorf("%d of %d rows read in %d requests", r.Read, total, r.Requests)
				}
				list := h.rejects(t, stream)
				if len(list) != 1 || list[0].TimesSeen != times || list[0].Resolved || list[0].ItemID != nil ||
					!strings.Contains(list[0].Reason, "Polar cannot render the row at position ") || !strings.Contains(string(list[0].Body), "500") {
					t.Errorf("rejects: %+v", list)
				}
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM "+stream+" WHERE _deleted_at IS NOT NULL"); n != deleted {
				t.Errorf("%d rows marked as deleted, before %d", n, deleted)
			}
			if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_suspects"); n != 0 {
				t.Errorf("%d suspects after a sweep with a gap", n)
			}
			h.Server.ClearFaults()
			h.SyncAll(t, stream)
			if list := h.rejects(t, stream); len(list) != 1 || !list[0].Resolved {
				t.Errorf("after healing: %+v", list)
			}
			h.Equal(t, stream)
		})
	}
}

// TestQuarantineOfManyRowsThatPolarCannotRender: they cost in proportion and no sweep; each is kept by its neighbour, so
// that rows which come in front of it make no other of it; and one that comes again is closed though others do not.
func TestQuarantineOfManyRowsThatPolarCannotRender(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 260}})
	h.SyncAll(t)
	var all []string
	for n := 1; len(all) < 230; n++ {
		_, body := h.Call(t, http.MethodGet, fmt.Sprintf("/v1/customers/?sorting=-created_at&limit=100&page=%d", n), "")
		var page struct{ Items []struct{ ID string } }
		worldtest.Decode(t, body, &page)
		for _, item := range page.Items {
			all = append(all, item.ID)
		}
	}
	bad := slices.Concat(all[20:21], all[110:150])
	for _, id := range bad {
		h.Fault(t, "500:path=/v1/customers/*,id="+id)
	}
	open := func() int {
		return worldtest.Query[int](t, h, "SELECT count(*) FROM sync_rejects WHERE stream = 'customers' AND resolved_at IS NULL")
	}
	run := func(gaps int) mirror.Result {
		t.Helper()
		r := h.SweepOnce(t.Context(), "customers")
		if r.Outcome != mirror.Partial || !strings.Contains(r.Reason, fmt.Sprintf("%d rows cannot be rendered by Polar: after ", gaps)) || open() != gaps {
			t.Fatalf("%s, %d open: %s", r.Outcome, open(), r.Reason)
		}
		return r
	}
	first := run(len(bad))
	if first.Requests > int64(5*len(bad)) {
		t.Errorf("%d requests", first.Requests)
	}
	for i := range 7 {
		if status, body := h.Call(t, http.MethodPost, "/v1/customers/", fmt.Sprintf(`{"email":"new%d@example.com"}`, i)); status != http.StatusCreated {
			t.Fatalf("%d: %s", status, body)
		}
	}
	if again := run(len(bad)); again.Requests > first.Requests {
		t.Errorf("%d requests, %d before", again.Requests, first.Requests)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_rejects WHERE stream = 'customers' AND times_seen = 2 AND reason LIKE '%, after ' || $1", all[19]); n != 1 {
		t.Error("the row is another one now that others have come in front of it")
	}
	h.Server.ClearFaults()
	h.Fault(t, "500:path=/v1/customers/*,id="+bad[0])
	run(1)
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM customers WHERE _deleted_at IS NOT NULL AND id = ANY($1::uuid[])", all); n != 0 {
		t.Errorf("%d rows are marked as deleted", n)
	}
	h.Server.ClearFaults()
	h.SyncAll(t, "customers")
	if open() != 0 {
		t.Errorf("%d open", open())
	}
}
