package polarsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"syncd/internal/polarsim/openapi"
	"syncd/internal/slowtest"
)

// Nobody has a row with this id.
const unknownID = "00000000-0000-4000-8000-000000000000"

// privatePaths are served by Polar without being in its document: the last two are newer.
var privatePaths = []string{"/v1/organization-access-tokens/", "/v1/members/{id}", "/v1/members/external/{external_id}",
	"/v1/customers/{id}/members", "/v1/customers/external/{external_id}/members"}

// walker asks a simulated Polar for everything that the document describes and holds every answer against it.
type walker struct {
	t       *testing.T
	doc     *apiDocument
	handler http.Handler
	token   string

	ops    map[string]operation
	items  map[string][]map[string]any // rows of each list by its path
	served map[string]int              // answers checked by path template
	seen   map[string]bool             // failures already reported, without their numbers and ids
	errorf func(format string, args ...any)
}

func newWalker(t *testing.T, doc *apiDocument, handler http.Handler) *walker {
	return &walker{t: t, doc: doc, handler: handler, token: openAPIToken, ops: doc.operations(),
		items: map[string][]map[string]any{}, served: map[string]int{}, seen: map[string]bool{}, errorf: t.Errorf}
}

// get sends a request and gives the answer; the body is drained.
func (w *walker) get(target, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

var variable = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+`)

// fail reports one failure of a kind.
func (w *walker) fail(target, format string, args ...any) {
	w.t.Helper()
	msg := fmt.Sprintf(format, args...)
	kind := variable.ReplaceAllString(msg, "#")
	if w.seen[kind] {
		return
	}
	w.seen[kind] = true
	w.errorf("GET %s: %s", target, msg)
}

// check asks for target and holds the answer against what the document says of template and the status wanted. It gives the body; nil where
// the path is not served.
func (w *walker) check(template, target string, status int) any {
	w.t.Helper()
	rec := w.get(target, w.token)
	body := rec.Body.Bytes()
	if rec.Code == http.StatusNotFound && isNoRoute(body) {
		return nil
	}
	w.served[template]++
	if rec.Code != status {
		w.fail(target, "%s: status %d, want %d: %.300s", template, rec.Code, status, body)
		return nil
	}
	if contentType := rec.Header().Get("Content-Type"); contentType != "application/json" {
		w.fail(target, "%s: content type %q", template, contentType)
	}
	v, err := decode(body)
	if err != nil {
		w.fail(target, "%s: %v", template, err)
		return nil
	}
	schema, err := w.doc.response(template, strconv.Itoa(status))
	if err == nil && schema == nil && status == http.StatusNotFound { // not every operation lists it
		schema, err = w.doc.component("ResourceNotFound")
	}
	if err != nil || schema == nil {
		w.fail(target, "%s: no schema for status %d: %v", template, status, err)
		return nil
	}
	w.validate(template, target, schema, v)
	return v
}

func (w *walker) validate(template, target string, schema *jsonschema.Schema, v any) {
	w.t.Helper()
	v = withoutNews(v)
	if err := schema.Validate(v); err != nil {
		for _, leaf := range leaves(err) {
			w.fail(target, "%s: %s", template, leaf)
		}
	}
	undocumented([]*jsonschema.Schema{schema}, v, func(component, key string) {
		if !slices.Contains(wireOnly[component], key) {
			w.fail(target, "%s: undocumented key %s.%s", template, component, key)
		}
	})
}

// withoutNews leaves out elements of lists of kinds that the document does not have yet: prices by units, a webhook event.
func withoutNews(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, value := range v {
			kept[name] = withoutNews(value)
		}
		return kept
	case []any:
		kept := make([]any, 0, len(v))
		for _, value := range v {
			if price, is := value.(map[string]any); value != "subscription.migrated" && (!is || price["amount_type"] != PriceUnits) {
				kept = append(kept, withoutNews(value))
			}
		}
		return kept
	}
	return v
}

// printer words the validator's reasons.
var printer = message.NewPrinter(language.English)

// leaves are the innermost reasons of a failed validation, without the positions in arrays.
func leaves(err error) []string {
	var failure *jsonschema.ValidationError
	if !errors.As(err, &failure) {
		return []string{err.Error()}
	}
	var found []string
	var descend func(e *jsonschema.ValidationError)
	descend = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			msg := "at /" + strings.Join(e.InstanceLocation, "/") + ": " + e.ErrorKind.LocalizedString(printer)
			if !slices.Contains(found, msg) && len(found) < 20 {
				found = append(found, msg)
			}
		}
		for _, c := range e.Causes {
			descend(c)
		}
	}
	descend(failure)
	return found
}

// isNoRoute tells the 404 of an unknown path from the 404 of an unknown row.
func isNoRoute(body []byte) bool {
	var answer map[string]any
	return json.Unmarshal(body, &answer) == nil && answer["error"] == nil && answer["detail"] == "Not Found"
}

// list reads all pages of a list, collects its rows, and asks for it with every value of every closed parameter.
func (w *walker) list(op operation) {
	if op.path == "/v1/customer-seats" { // wants an owner: moreQueries
		return
	}
	base := requiredQuery[op.path]
	for page := 1; ; page++ {
		body := w.check(op.path, target(op.path, base, url.Values{"limit": {"100"}, "page": {strconv.Itoa(page)}}), http.StatusOK)
		if body == nil {
			return
		}
		rows := rowsOf(body)
		w.items[op.path] = append(w.items[op.path], rows...)
		if envelope, _ := body.(map[string]any); envelope["pagination"] == nil || len(rows) == 0 || op.path == "/v1/events/" { // of events, some of each name are asked for elsewhere
			break
		}
	}
	for _, p := range op.parameters {
		values := p.Enum
		if p.Boolean {
			values = []string{"true", "false"}
		}
		if len(values) > 40 { // time zones: a few of them are asked for elsewhere
			continue
		}
		for _, v := range values {
			w.check(op.path, target(op.path, base, url.Values{p.Name: {v}, "limit": {"7"}}), http.StatusOK)
		}
		switch {
		case p.Name == "page" || p.Name == "limit":
			for _, wrong := range []string{"0", "-1", "many"} {
				w.check(op.path, target(op.path, base, url.Values{p.Name: {wrong}}), http.StatusUnprocessableEntity)
			}
		case len(values) > 0:
			w.check(op.path, target(op.path, base, url.Values{p.Name: {"perhaps"}}), http.StatusUnprocessableEntity)
		case p.Required && base.Has(p.Name):
			rest := maps.Clone(base)
			delete(rest, p.Name)
			w.check(op.path, target(op.path, rest, nil), http.StatusUnprocessableEntity)
		}
	}
}

func rowsOf(body any) []map[string]any {
	list, ok := body.([]any)
	if object, isObject := body.(map[string]any); isObject {
		list, ok = object["items"].([]any)
	}
	if !ok {
		return nil
	}
	var rows []map[string]any
	for _, v := range list {
		if row, ok := v.(map[string]any); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// unnamed is a path template without the names of its parameters.
func unnamed(template string) string { return parameterName.ReplaceAllString(template, "{}") }

var parameterName = regexp.MustCompile(`{[^}]*}`)

// text is v as it is written in a path; null is empty.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func target(path string, queries ...url.Values) string {
	all := url.Values{}
	for _, q := range queries {
		maps.Copy(all, q)
	}
	if len(all) == 0 {
		return path
	}
	return path + "?" + all.Encode()
}

// openAPIToken is the only token that the servers of this test accept.
const openAPIToken = "polar_oat_openapi"

func TestOpenAPI(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	doc := loadDocument(t)
	documented := map[string]bool{}
	for path := range doc.operations() {
		documented[unnamed(path)] = true
	}
	for _, rt := range routes() {
		if rt.method == http.MethodGet && !documented[unnamed(rt.pattern)] && !slices.Contains(privatePaths, rt.pattern) {
			t.Errorf("%s is served, and neither documented nor known as private", rt.pattern)
		}
	}
	for _, c := range []struct {
		name    string
		options Options
		advance time.Duration
	}{
		{"as made", Options{Seed: 11, Customers: 40}, 0},
		{"two months later", Options{Seed: 12, Customers: 30}, 61 * 24 * time.Hour},
		{"one customer", Options{Seed: 13, Customers: 1, Orders: 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := NewWorld(c.options)
			world.Advance(c.advance)
			w := newWalker(t, doc, NewServer(world, ServerOptions{Token: openAPIToken}))
			w.walk()
			w.report()
		})
	}
}

// A wrong answer is noticed: a missing key, a key too many, a wrong type, a wrong format, a value out of its list.
func TestOpenAPINotices(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	server := NewServer(NewWorld(Options{Seed: 14, Customers: 5}), ServerOptions{Token: openAPIToken})
	for _, c := range []struct{ path, old, new, want string }{
		{"/v1/orders/", `"billing_reason":`, `"billing_raison":`, "missing property 'billing_reason'"},
		{"/v1/orders/", `"billing_reason":`, `"mood":"good","billing_reason":`, "undocumented key Order.mood"},
		{"/v1/orders/", `"tax_amount":`, `"tax_amount":"much","old":`, "got string, want integer"},
		{"/v1/orders/", `"created_at":"2`, `"created_at":"on 2`, "is not valid date-time"},
		{"/v1/members/", `"role":"`, `"role":"co-`, "value must be one of"},
		{"/v1/customers/", `"type":"`, `"type":"un`, "value must be"},
		{"/v1/metrics/limits", `"max_days":`, `"most":1,"max_days":`, "undocumented key MetricsIntervalLimit.most"},
	} {
		spoilt := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			server.ServeHTTP(rec, r)
			maps.Copy(rw.Header(), rec.Header())
			rw.WriteHeader(rec.Code)
			if _, err := strings.NewReplacer(c.old, c.new).WriteString(rw, rec.Body.String()); err != nil {
				t.Error(err)
			}
		})
		var said strings.Builder
		w := newWalker(t, doc, spoilt)
		w.errorf = func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
		w.check(c.path, c.path+"?limit=100", http.StatusOK)
		if !strings.Contains(said.String(), c.want) {
			t.Errorf("%s with %s: %q, want a failure with %q", c.path, c.new, said.String(), c.want)
		}
	}
}

// What the walk knows comes from facts.txt: with one line of it changed, a right answer is wrong.
func TestOpenAPIFactsDecide(t *testing.T) {
	t.Parallel()
	server := NewServer(NewWorld(Options{Seed: 14, Customers: 5}), ServerOptions{Token: openAPIToken})
	for _, c := range []struct{ old, new, want string }{
		{"\tbilling_reason: ", "\tbilling_mood: ", "undocumented key Order.billing_reason"},
		{"\ttax_amount: integer", "\ttax_amount: string", "got number, want string"},
		{"\trefunded_amount: integer", "\trefunded_amount: integer<1..>", "minimum"},
	} {
		if !strings.Contains(openapi.Facts(), c.old) {
			t.Fatalf("facts.txt does not hold %q", c.old)
		}
		facts, err := openapi.Parse(strings.ReplaceAll(openapi.Facts(), c.old, c.new))
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		w := newWalker(t, newDocument(t, facts), server)
		w.errorf = func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
		w.check("/v1/orders/", "/v1/orders/?limit=100", http.StatusOK)
		if !strings.Contains(said.String(), c.want) {
			t.Errorf("with %s: %q, want a failure with %q", c.new, said.String(), c.want)
		}
	}
}

// walk asks for everything.
func (w *walker) walk() {
	for _, path := range slices.Sorted(maps.Keys(w.ops)) {
		if !strings.Contains(path, "{") && !strings.HasSuffix(path, "/export") {
			w.list(w.ops[path])
		}
	}
	for path, queries := range w.moreQueries() {
		template := path
		if strings.HasSuffix(path, "/quantities") {
			template = "/v1/meters/{id}/quantities"
		}
		for _, query := range queries {
			w.check(template, path+"?"+query, http.StatusOK)
		}
	}
	w.single()
	w.unknown()
	w.receipts()
	w.refusals()
}

// report logs what was checked, and fails where a stream of the mirror is not served.
func (w *walker) report() {
	var absent []string
	answers := 0
	for _, path := range slices.Sorted(maps.Keys(w.ops)) {
		answers += w.served[path]
		if w.served[path] == 0 {
			absent = append(absent, path)
		} else {
			w.t.Logf("%4d answers of %s", w.served[path], path)
		}
	}
	w.t.Logf("%d answers checked; documented and not served: %s", answers, strings.Join(absent, " "))
	for _, must := range []string{"/v1/organizations/", "/v1/organizations/{id}", "/v1/products/", "/v1/products/{id}", "/v1/customers/", "/v1/customers/{id}",
		"/v1/customers/external/{external_id}", "/v1/customers/{id}/state", "/v1/members/", "/v1/customers/{id}/members/{member_id}", "/v1/meters/", "/v1/meters/{id}",
		"/v1/customer-meters/", "/v1/customer-meters/{id}", "/v1/orders/", "/v1/orders/{id}", "/v1/orders/{id}/invoice", "/v1/subscriptions/", "/v1/subscriptions/{id}",
		"/v1/payments/", "/v1/payments/{id}", "/v1/metrics/", "/v1/metrics/limits", "/v1/metrics/dashboards", "/v1/metrics/dashboards/{id}",
		"/v1/events/", "/v1/events/{id}", "/v1/events/names", "/v1/event-types/", "/v1/webhooks/endpoints", "/v1/webhooks/endpoints/{id}", "/v1/webhooks/deliveries",
		"/v1/benefits/", "/v1/benefits/{id}", "/v1/benefit-grants/", "/v1/discounts/", "/v1/discounts/{id}", "/v1/refunds/", "/v1/checkouts/", "/v1/checkouts/{id}",
		"/v1/checkout-links/", "/v1/checkout-links/{id}", "/v1/custom-fields/", "/v1/custom-fields/{id}", "/v1/files/", "/v1/disputes/", "/v1/disputes/{id}",
		"/v1/license-keys/", "/v1/license-keys/{id}", "/v1/customer-seats", "/v1/customers/{id}/payment-methods"} {
		if w.served[must] == 0 {
			w.t.Errorf("%s is not served", must)
		}
	}
}

// refusals checks the answers that are the same on every path.
func (w *walker) refusals() {
	unauthorized, err := w.doc.component("Unauthorized")
	if err != nil {
		w.t.Fatal(err)
	}
	rec := w.get("/v1/orders/", "")
	v, err := decode(rec.Body.Bytes())
	if err != nil || rec.Code != http.StatusUnauthorized {
		w.fail("/v1/orders/", "without a token: status %d, %v", rec.Code, err)
	} else {
		w.validate("/v1/orders/", "/v1/orders/", unauthorized, v)
	}
	if rec := w.get("/v1/nonsense/", w.token); rec.Code != http.StatusNotFound || !isNoRoute(rec.Body.Bytes()) {
		w.fail("/v1/nonsense/", "an unknown path gets %d: %s", rec.Code, rec.Body)
	}
}
