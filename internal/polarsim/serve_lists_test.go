package polarsim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/slowtest"
)

// wireList is what upstream's list does, as it shows on the wire (polarsource/polar, server/polar/*/sorting.py, endpoints.py and service.py).
type wireList struct {
	path     string
	fallback string   // sorting without the parameter
	sorts    []wireBy // in the order of the error message; none: the list has no such parameter
	filters  []wireFilter
	noID     bool // no GET by id
}

// wireBy is a criterion and what it sorts by: a string, number, boolean or time, or nil for null.
type wireBy struct {
	name string
	key  func(r row) any
	null bool // rows with and without a value exist
	one  bool // all rows have the same value in the simulator
}

// wireFilter is a filter, and what of a row it compares with the values given.
type wireFilter struct {
	name string
	of   func(r row) []string
	how  func(of, values []string) bool
}

type row = map[string]any

func meets(of, values []string) bool {
	return slices.ContainsFunc(of, func(v string) bool { return slices.Contains(values, v) })
}

func misses(of, values []string) bool { return !meets(of, values) }

// last and like are of parameters that are no lists: of repeated values the last one counts.
func last(of, values []string) bool { return slices.Contains(of, values[len(values)-1]) }

func like(of, values []string) bool {
	return slices.ContainsFunc(of, func(v string) bool {
		return strings.Contains(strings.ToLower(v), strings.ToLower(values[len(values)-1]))
	})
}

func plain(name string) wireBy {
	return wireBy{name: name, key: func(r row) any { return r[name] }}
}

func citext(name string) wireBy {
	return wireBy{name: name, key: func(r row) any { return strings.ToLower(r[name].(string)) }}
}

func instant(name string) wireBy {
	return wireBy{name: name, key: func(r row) any {
		s, ok := r[name].(string)
		if !ok {
			return nil
		}
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return at
	}}
}

func nullable(by wireBy) wireBy {
	by.null = true
	return by
}

func constant(by wireBy) wireBy {
	by.one = true
	return by
}

// values are those of a row under the keys given, as text; null is none.
func values(keys ...string) func(r row) []string {
	return func(r row) (found []string) {
		for _, k := range keys {
			if r[k] != nil {
				found = append(found, fmt.Sprint(r[k]))
			}
		}
		return found
	}
}

func wireLists(t *testing.T, s http.Handler) []wireList {
	external := map[string]string{}
	for _, c := range all(t, s, "/v1/customers/") {
		external[text(c["id"])] = text(c["external_id"])
	}
	outside := func(r row) []string {
		if e := external[text(r["customer_id"])]; e != "" {
			return []string{e}
		}
		return nil
	}
	return []wireList{
		{path: "/v1/discounts/", fallback: "-created_at",
			sorts:   []wireBy{instant("created_at"), citext("name"), nullable(plain("code")), plain("redemptions_count"), nullable(instant("ends_at"))},
			filters: []wireFilter{{"query", values("name", "code"), like}}},
		{path: "/v1/benefits/", fallback: "-created_at",
			sorts: []wireBy{instant("created_at"), citext("description"), plain("type"), constant(wireBy{name: "user_order", key: func(row) any { return "" }})},
			filters: []wireFilter{{"id", values("id"), meets}, {"exclude_id", values("id"), misses}, {"type", values("type"), meets},
				{"query", values("description"), like}, {"metadata[channel]", func(r row) []string { return values("channel")(r["metadata"].(row)) }, meets}}},
		{path: "/v1/refunds/", fallback: "-created_at", noID: true,
			sorts: []wireBy{instant("created_at"), plain("amount")},
			filters: []wireFilter{{"id", values("id"), meets}, {"order_id", values("order_id"), meets}, {"subscription_id", values("subscription_id"), meets},
				{"customer_id", values("customer_id"), meets}, {"external_customer_id", outside, meets},
				{"succeeded", func(r row) []string { return []string{fmt.Sprint(r["status"] == "succeeded")} }, last}}},
		{path: "/v1/disputes/", fallback: "-created_at",
			sorts:   []wireBy{instant("created_at"), plain("amount")},
			filters: []wireFilter{{"order_id", values("order_id"), meets}, {"status", values("status"), meets}}},
		{path: "/v1/checkouts/", fallback: "-created_at",
			sorts: []wireBy{instant("created_at"), instant("expires_at"), plain("status")},
			filters: []wireFilter{{"product_id", values("product_id"), meets}, {"customer_id", values("customer_id"), meets}, {"external_customer_id", outside, meets},
				{"status", values("status"), meets}, {"query", values("customer_email"), like}}},
		{path: "/v1/checkout-links/", fallback: "created_at",
			sorts: []wireBy{instant("created_at"), nullable(plain("label")), nullable(plain("success_url")), plain("allow_discount_codes")},
			filters: []wireFilter{{"product_id", func(r row) (found []string) {
				for _, p := range r["products"].([]any) {
					found = append(found, text(p.(row)["id"]))
				}
				return found
			}, meets}}},
		{path: "/v1/custom-fields/", fallback: "slug",
			sorts:   []wireBy{instant("created_at"), plain("slug"), plain("name"), plain("type")},
			filters: []wireFilter{{"type", values("type"), meets}, {"query", values("name", "slug"), like}}},
		{path: "/v1/benefit-grants/", fallback: "-created_at", noID: true,
			sorts:   []wireBy{instant("created_at"), nullable(instant("granted_at")), nullable(instant("revoked_at"))},
			filters: []wireFilter{{"customer_id", values("customer_id"), meets}, {"external_customer_id", outside, meets}, {"is_granted", values("is_granted"), last}}},
		{path: "/v1/license-keys/", fallback: "created_at",
			filters: []wireFilter{{"benefit_id", values("benefit_id"), meets}, {"status", values("status"), meets}}},
	}
}

// by finds what a value of `sorting` sorts by.
func (l *wireList) by(criterion string) (by wireBy, desc bool) {
	name, desc := strings.CutPrefix(criterion, "-")
	for _, by := range l.sorts {
		if by.name == name {
			return by, desc
		}
	}
	return instant(name), desc // of lists without the parameter
}

// compare orders two rows by criteria: null comes after everything else, or first where the order is descending.
func (l *wireList) compare(a, b row, criteria ...string) int {
	for _, c := range criteria {
		by, desc := l.by(c)
		if order := compareValues(by.key(a), by.key(b)); order != 0 {
			if desc {
				return -order
			}
			return order
		}
	}
	return 0
}

func compareValues(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(b2i(a == nil), b2i(b == nil))
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		return cmp.Compare(b2i(a), b2i(b.(bool)))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	panic(fmt.Sprintf("%T", a))
}

func (l *wireList) sorted(rows []row, criteria ...string) bool {
	return slices.IsSortedFunc(rows, func(a, b row) int { return l.compare(a, b, criteria...) })
}

func idsOf(rows []row) []string { return ids(page{Items: rows}) }

// listedWorld is small, and has what a small world has not by itself: refunds that did not succeed, keys of two benefits, and more than a few disputes.
func listedWorld() *World {
	w := NewWorld(Options{Seed: 5, Customers: 40, Orders: 180})
	w.refunds[0].Status, w.refunds[1].Status = "pending", "failed"
	for i := range w.payments[:40] {
		if p := &w.payments[i]; p.Order != None && p.Status == "succeeded" {
			w.disputes = append(w.disputes, Dispute{CreatedAt: p.CreatedAt + hour, Status: disputeStatuses[i%len(disputeStatuses)], Order: p.Order, Payment: Ref(i)})
		}
	}
	const unlimitedKey = 9
	pro := &w.products[productProYear]
	pro.Benefits = append(pro.Benefits, unlimitedKey)
	w.Advance(3 * 24 * time.Hour)
	return w
}

// eachList runs a test of each list, with its rows as they come without parameters.
func eachList(t *testing.T, test func(t *testing.T, l wireList, s http.Handler, rows []row)) {
	t.Parallel()
	w := listedWorld()
	s := NewServer(w, ServerOptions{StableTies: true})
	for _, l := range wireLists(t, s) {
		t.Run(strings.Trim(strings.TrimPrefix(l.path, "/v1/"), "/"), func(t *testing.T) {
			rows := all(t, s, l.path)
			if len(rows) < 4 {
				t.Fatalf("%d rows", len(rows))
			}
			test(t, l, s, rows)
		})
	}
}

func TestWireListSorting(t *testing.T) {
	slowtest.Mark(t)
	eachList(t, func(t *testing.T, l wireList, s http.Handler, rows []row) {
		if !l.sorted(rows, l.fallback) {
			t.Errorf("the order without parameters is not %s", l.fallback)
		}
		if !slices.Equal(idsOf(rows), idsOf(all(t, s, l.path+"?sorting="+l.fallback))) {
			t.Errorf("sorting=%s is not the order without parameters", l.fallback)
		}
		whole := slices.Sorted(slices.Values(idsOf(rows)))
		check := func(criteria ...string) {
			got := all(t, s, target(l.path, url.Values{"sorting": criteria}))
			if !l.sorted(got, criteria...) {
				t.Errorf("not sorted by %v", criteria)
			}
			if !slices.Equal(slices.Sorted(slices.Values(idsOf(got))), whole) {
				t.Errorf("sorted by %v these are other rows", criteria)
			}
		}
		for _, by := range l.sorts {
			nulls := len(rows) - len(slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return by.key(r) == nil }))
			if (nulls > 0 && nulls < len(rows)) != by.null {
				t.Errorf("%s is null in %d of %d rows", by.name, nulls, len(rows))
			}
			if l.sorted(rows, by.name) && l.sorted(rows, "-"+by.name) != by.one {
				t.Errorf("%s is the same in every row", by.name)
			}
			check(by.name)
			check("-" + by.name)
			for _, second := range l.sorts {
				if second.name != by.name {
					check(by.name, "-"+second.name)
					check("-"+by.name, second.name)
				}
			}
		}
	})
}

// Rows that tie come in an order that the query decides, pages of another size in another; shuffled, in another with every
// request: no list has a tie-breaker.
func TestWireListTies(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	w := listedWorld()
	s, unstable := NewServer(w, ServerOptions{StableTies: true}), NewServer(w, ServerOptions{Faults: []Fault{{Kind: "shuffle"}}})
	plain := NewServer(w, ServerOptions{})
	tied := 0
	for _, l := range wireLists(t, s) {
		for _, by := range l.sorts {
			for _, criterion := range []string{by.name, "-" + by.name} {
				address := l.path + "?limit=100&sorting=" + criterion
				first := list1(t, s, address).Items
				ties := false
				for i := range first[1:] {
					ties = ties || l.compare(first[i], first[i+1], criterion) == 0
				}
				moved, tries := false, 2
				if ties {
					tries = 12
				}
				for n := 0; n < tries && !moved; n++ {
					got := list1(t, unstable, address).Items
					if !l.sorted(got, criterion) {
						t.Errorf("%s: not sorted", address)
					}
					moved = moved || !slices.Equal(idsOf(got), idsOf(first))
				}
				if moved != ties {
					t.Errorf("%s: rows tie is %t, their order changes is %t", address, ties, moved)
				}
				once := list1(t, plain, address).Items
				if !l.sorted(once, criterion) || !slices.Equal(idsOf(once), idsOf(list1(t, plain, address).Items)) {
					t.Errorf("%s: the same page has another order", address)
				}
				moved = false
				for limit := 99; limit > 80 && !moved; limit-- {
					other := list1(t, plain, fmt.Sprintf("%s?limit=%d&sorting=%s", l.path, limit, criterion)).Items
					moved = !slices.Equal(idsOf(other), idsOf(once)[:len(other)])
				}
				if moved && !ties || ties && !moved && len(once) > 10 {
					t.Errorf("%s: rows tie is %t, their order is another for another limit: %t", address, ties, moved)
				}
				tied += b2i(ties)
			}
		}
	}
	if tied < 10 {
		t.Errorf("only in %d orders rows tie", tied)
	}
}

func TestWireListSortingRefused(t *testing.T) {
	eachList(t, func(t *testing.T, l wireList, s http.Handler, rows []row) {
		var allowed []string
		for _, by := range l.sorts {
			allowed = append(allowed, "'"+by.name+"'", "'-"+by.name+"'")
		}
		for _, c := range []struct {
			sorting string
			at      int
		}{{"nope", 0}, {"modified_at", 0}, {"-id", 0}, {"--created_at", 0}, {"Created_at", 0}, {"", 0}, {"created_at&sorting=nope", 1}} {
			address := l.path + "?sorting=" + c.sorting
			if len(l.sorts) == 0 {
				if got := all(t, s, address); !slices.Equal(idsOf(got), idsOf(rows)) {
					t.Errorf("%s: a parameter that the list does not have changes the order", address)
				}
				continue
			}
			expected := strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
			input := c.sorting[strings.LastIndex(c.sorting, "=")+1:]
			want := fmt.Sprintf(`{"error":"RequestValidationError","detail":[{"type":"enum","loc":["query","sorting",%d],"msg":"Input should be %s","input":"%s","ctx":{"expected":"%s"}}]}`,
				c.at, expected, input, expected)
			if res, body := do(t, s, "GET", address, ""); res.StatusCode != http.StatusUnprocessableEntity || body != want {
				t.Errorf("%s: %d %s\nwant %s", address, res.StatusCode, body, want)
			}
		}
	})
}

// trials are queries worth asking of a filter, given the rows of the list without it.
func (f *wireFilter) trials(rows []row) [][]string {
	found := map[string]bool{}
	for _, r := range rows {
		for _, v := range f.of(r) {
			found[v] = true
		}
	}
	known := slices.Sorted(maps.Keys(found))
	var trials [][]string
	for i, v := range known {
		if i >= 12 {
			break
		}
		trials = append(trials, []string{v})
	}
	first, final := known[0], known[len(known)-1]
	trials = append(trials, []string{first, final}, []string{final, first}, []string{first, first})
	switch unknown := "00000000-0000-4000-8000-00000000000a"; {
	case strings.HasSuffix(f.name, "id"):
		trials = append(trials, []string{unknown}, []string{unknown, final})
	case f.name == "query":
		whole := []rune(first)
		trials = append(trials, []string{strings.ToUpper(final)}, []string{string(whole[len(whole)/2:])}, []string{"no such text"}, []string{""})
	}
	return trials
}

func TestWireListFilters(t *testing.T) {
	eachList(t, func(t *testing.T, l wireList, s http.Handler, rows []row) {
		check := func(query url.Values, want func(r row) bool) int {
			expected := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !want(r) })
			got := all(t, s, target(l.path, query))
			if !slices.Equal(slices.Sorted(slices.Values(idsOf(got))), slices.Sorted(slices.Values(idsOf(expected)))) {
				t.Errorf("%v: %d rows, want %d", query, len(got), len(expected))
			}
			if !l.sorted(got, l.fallback) {
				t.Errorf("%v: not in the order without parameters", query)
			}
			return len(got)
		}
		together, conditions := url.Values{}, []func(r row) bool{}
		middle := rows[len(rows)/2]
		for _, f := range l.filters {
			parted := false
			for _, trial := range f.trials(rows) {
				n := check(url.Values{f.name: trial}, func(r row) bool { return f.how(f.of(r), trial) })
				parted = parted || n > 0 && n < len(rows)
			}
			if !parted {
				t.Errorf("%s: no value parts the rows", f.name)
			}
			if of := f.of(middle); len(of) > 0 && f.how(of, of) {
				together[f.name] = of[:1]
				conditions = append(conditions, func(r row) bool { return f.how(f.of(r), of[:1]) })
			}
		}
		check(together, func(r row) bool {
			return !slices.ContainsFunc(conditions, func(meets func(r row) bool) bool { return !meets(r) })
		})
		const foreign = "0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11"
		own := text(list1(t, s, "/v1/organizations/").Items[0]["id"])
		check(url.Values{"organization_id": {own}}, func(row) bool { return true })
		check(url.Values{"organization_id": {foreign, own}}, func(row) bool { return true })
		check(url.Values{"organization_id": {foreign}}, func(row) bool { return false })
	})
}

func TestWireListPages(t *testing.T) {
	eachList(t, func(t *testing.T, l wireList, s http.Handler, rows []row) {
		total := len(rows)
		for _, c := range []struct {
			query string
			limit int
		}{{"", 10}, {"limit=1", 1}, {"limit=3", 3}, {"limit=100", 100}, {"limit=101", 100}, {"limit=100000", 100}} {
			pages := (total + c.limit - 1) / c.limit
			for n := 1; n <= pages+2; n++ {
				if n == 5 { // the pages after it are as those before
					n = max(n, pages)
				}
				address := fmt.Sprintf("%s?page=%d&%s", l.path, n, c.query)
				p := list1(t, s, address)
				if p.Pagination.TotalCount != total || p.Pagination.MaxPage != pages {
					t.Errorf("%s: %+v, want %d rows on %d pages", address, p.Pagination, total, pages)
				}
				if want := rows[min(total, (n-1)*c.limit):min(total, n*c.limit)]; !slices.Equal(ids(p), idsOf(want)) {
					t.Errorf("%s: %d rows, want %d, or others", address, len(p.Items), len(want))
				}
			}
		}
		for _, wrong := range []string{"page=0", "page=-1", "limit=0", "limit=-5", "page=x", "limit=1.5", "page=", "limit="} {
			if res, body := do(t, s, "GET", l.path+"?"+wrong, ""); res.StatusCode != http.StatusUnprocessableEntity || !strings.HasPrefix(body, `{"error":"RequestValidationError"`) {
				t.Errorf("%s: %d %s", wrong, res.StatusCode, body)
			}
		}
	})
}

// The order that benefits are named in is an order of theirs; without names nothing is sorted by it, and other criteria come after it.
func TestWireListUserOrder(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 1, Customers: 5})
	s := NewServer(w, ServerOptions{})
	b := w.BenefitIDs()
	named := "/v1/benefits/?id=" + b[3] + "&id=" + b[0] + "&id=" + b[5]
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"&sorting=user_order", []string{b[3], b[0], b[5]}},
		{"&sorting=-user_order", []string{b[5], b[0], b[3]}},
		{"&sorting=created_at&sorting=user_order", []string{b[3], b[0], b[5]}},
		{"&sorting=created_at", []string{b[0], b[3], b[5]}},
	} {
		if got := ids(list1(t, s, named+c.query)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
}

// The statuses of orders and subscriptions sort by a rank of theirs.
func TestWireStatusRanks(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 9, Customers: 150}), ServerOptions{StableTies: true})
	for _, c := range []struct {
		path  string
		ranks []string
		least int
	}{
		{"/v1/orders/", []string{"draft", "pending", "paid", "partially_refunded", "refunded", "void"}, 5},
		{"/v1/subscriptions/", []string{"incomplete_expired", "trialing", "active", "active, ending", "paused", "past_due", "canceled", "unpaid"}, 6},
	} {
		for _, criterion := range []string{"status", "-status"} {
			var got []string
			for _, r := range all(t, s, c.path+"?sorting="+criterion) {
				status := text(r["status"])
				if status == "active" && r["cancel_at_period_end"] == true {
					status += ", ending"
				}
				got = append(got, status)
			}
			want := slices.DeleteFunc(slices.Clone(c.ranks), func(status string) bool { return !slices.Contains(got, status) })
			if got = slices.Compact(got); criterion == "-status" {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) || len(got) < c.least {
				t.Errorf("%s by %s: %v, want %v", c.path, criterion, got, want)
			}
		}
	}
}
