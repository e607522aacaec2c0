package polarsim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one thing that goes wrong, on the requests that match. Kind is one of
//
//	500 502 503 504   an error page, of the app (500, plain text) or of a proxy (HTML); 500 with Row or ID: every page that holds that item
//	401 403 404 429   as Polar gives them: token refused, scope missing, wrong route or version, limit reached
//	ended             the operation is no longer served, in whatever version: 404, or with Value 405 or 410
//	reset             the connection is cut before the response
//	truncate          the connection is cut in the middle of the body; of a CSV export: after Value bytes
//	short             the body ends cleanly, with status 200, after Value bytes
//	stall             nothing is sent for For
//	gap               of a CSV export: nothing is sent for For between header and rows
//	rows              of a CSV export: it ends cleanly after Value rows
//	oldheader         of a CSV export: the header it had before August 2026
//	shuffle           rows that tie come in another order with every request, rather than in one that the query decides
//	lag               of events: those of the last For, by the simulated clock, are not listed yet
//	missing           of events: pages from the second on lack Value items, which total_count counts
//	rendering         of a receipt: it is not ready before Value requests for it, nor before For by the simulated clock
//	replica           lists and rows that upstream reads from a replica lack what was made within the last For, by the simulated clock
//	column            of a CSV export: Value "+Name" is a column more, "-Name" one less
//	html              200 with HTML instead of JSON
//	total             total_count is Value, or is off by Value for "+1" or "-1"; drift makes it move by Value with every response
//	clamp             limits are cut to Value
//	repeat            whatever page is asked for, page Value (1) comes
//	empty             an empty list
//	type noid badid nul bigint utf8 huge dup
//	                  an item is spoilt: wrong JSON type, no id, malformed id, NUL character, integer of 400 digits, invalid UTF-8, 5 MB, sent twice
//	set               Field of an item is Value, a JSON text
type Fault struct {
	Kind   string
	Path   string            // exact path, or a prefix when it ends in "*"; "" = every path under /v1/
	Method string            // "" = any
	Page   int               // only requests of this page; 0 = any
	Query  map[string]string // only requests with these values
	Scope  string            // of 403: the routes that accept this scope
	Times  int               // matching requests that it strikes; 0 = all
	Skip   int               // matching requests that pass unharmed first
	Item   int               // index within the page of the item to spoil
	Row    int               // instead of Item: the item that is this one of the whole list, counted from 1
	ID     string            // id of the item to spoil, wherever it is served; instead of Item
	Field  string            // field to spoil; default depends on Kind
	Value  string            // see above
	For    time.Duration     // of stall; default: until the client gives up
}

var faultKinds = []string{"500", "502", "503", "504", "401", "403", "404", "429", "ended", "reset", "truncate", "short", "stall", "gap", "rows", "oldheader", "column", "shuffle", "lag", "missing", "rendering", "replica", "html", "total", "drift", "clamp", "repeat", "empty",
	"type", "noid", "badid", "nul", "bigint", "utf8", "huge", "dup", "set"}

// ParseFault reads the text form, "kind:key=value,...", for example "500:path=/v1/orders/,page=3,times=2". Keys are path, method, page, scope,
// times, skip, item, row, id, field, for, any query parameter as "q.NAME", and value, which takes the rest of the text.
func ParseFault(s string) (Fault, error) {
	kind, rest, _ := strings.Cut(s, ":")
	f := Fault{Kind: kind}
	var errs []error
	if !slices.Contains(faultKinds, kind) {
		errs = append(errs, fmt.Errorf("unknown kind %q: want one of %s", kind, strings.Join(faultKinds, " ")))
	}
	for rest != "" {
		var pair string
		if strings.HasPrefix(rest, "value=") {
			pair, rest = rest, ""
		} else {
			pair, rest, _ = strings.Cut(rest, ",")
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			errs = append(errs, fmt.Errorf("%q is not key=value", pair))
			continue
		}
		errs = append(errs, f.set(key, value))
	}
	if err := errors.Join(errs...); err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", s, err)
	}
	return f, nil
}

func (f *Fault) set(key, value string) (err error) {
	number := func(into *int) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("%s=%q is not a number", key, value)
		}
		*into = n
		return nil
	}
	switch key {
	case "path":
		f.Path = value
	case "method":
		f.Method = strings.ToUpper(value)
	case "page":
		return number(&f.Page)
	case "scope":
		f.Scope = value
	case "times":
		return number(&f.Times)
	case "skip":
		return number(&f.Skip)
	case "item":
		return number(&f.Item)
	case "row":
		return number(&f.Row)
	case "id":
		f.ID = value
	case "field":
		f.Field = value
	case "value":
		f.Value = value
	case "for":
		f.For, err = time.ParseDuration(value)
	default:
		name, ok := strings.CutPrefix(key, "q.")
		if !ok {
			return fmt.Errorf("unknown key %q", key)
		}
		if f.Query == nil {
			f.Query = map[string]string{}
		}
		f.Query[name] = value
	}
	return err
}

// String is the text form.
func (f Fault) String() string {
	var parts []string
	add := func(key, value string) {
		if value != "" && value != "0" && value != "0s" {
			parts = append(parts, key+"="+value)
		}
	}
	add("path", f.Path)
	add("method", f.Method)
	add("page", strconv.Itoa(f.Page))
	add("scope", f.Scope)
	add("times", strconv.Itoa(f.Times))
	add("skip", strconv.Itoa(f.Skip))
	add("item", strconv.Itoa(f.Item))
	add("row", strconv.Itoa(f.Row))
	add("id", f.ID)
	add("field", f.Field)
	add("for", f.For.String())
	names := make([]string, 0, len(f.Query))
	for name := range f.Query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		add("q."+name, f.Query[name])
	}
	add("value", f.Value)
	if len(parts) == 0 {
		return f.Kind
	}
	return f.Kind + ":" + strings.Join(parts, ",")
}

// matches: the fault applies to this request.
func (f *Fault) matches(r *http.Request, q url.Values, rt *route) bool {
	if prefix, ok := strings.CutSuffix(f.Path, "*"); ok {
		if !strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	} else if f.Path != "" && f.Path != r.URL.Path {
		return false
	}
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Page != 0 && cmp.Or(q.Get("page"), "1") != strconv.Itoa(f.Page) {
		return false
	}
	for name, want := range f.Query {
		if !slices.Contains(q[name], want) {
			return false
		}
	}
	return f.Scope == "" || rt != nil && slices.Contains(rt.scopes, f.Scope)
}

// faults are those in force.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen, struck int
}

// arm adds a fault.
func (f *faults) arm(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &armed{Fault: fault})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// strike returns the faults that hit a request, each with its number of earlier strikes.
func (f *faults) strike(r *http.Request, q url.Values, rt *route) (hits []hit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if a.Times > 0 && a.struck >= a.Times || !a.matches(r, q, rt) {
			continue
		}
		if a.seen++; a.seen <= a.Skip {
			continue
		}
		hits = append(hits, hit{a.Fault, a.struck})
		a.struck++
	}
	return hits
}

// hit is a fault that struck a request; before counts its earlier strikes.
type hit struct {
	Fault
	before int
}

// describe lists the faults in force with how often each struck.
func (f *faults) describe() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines := make([]string, 0, len(f.list))
	for _, a := range f.list {
		lines = append(lines, fmt.Sprintf("%s (struck %d times)", a.Fault, a.struck))
	}
	return lines
}
