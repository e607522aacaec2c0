package polarsim

import (
	"cmp"
	"strings"
)

// resource is one list of the API and its GET by id, as data. Besides this, a resource has only the function that renders a row.
type resource struct {
	path    string   // of the list, with its exact trailing slash or none
	scopes  []string // any one is enough
	kind    Kind     // of the ids
	rows    func(w *World) int
	hidden  func(w *World, n Ref) bool // rows that neither list nor GET show; nil: none
	unless  func(w *World, n Ref) bool // rows that the list leaves out unless the filter `asked` is given; GET shows them
	asked   string                     // name of that filter
	sorts   []sortKey
	natural string   // the sort key in whose order the rows lie already
	sorting []string // default
	fixed   bool     // the list has no `sorting` parameter
	filters map[string]filter
	ranges  map[string]rangeFilter
	aware   bool                       // times of ranges must have an offset
	late    func(w *World, n Ref) bool // rows that do not show yet; nil: none
	noID    bool                       // no GET by id
	missing string                     // what a GET by id of no row says; default: Not found
	noOrg   bool                       // no organization_id filter
	render  func(w *World, o *object, n Ref)
}

// sortKey is a value of `sorting`. NULLs are last in ascending order and first in descending order, as Postgres has it by default.
type sortKey struct {
	name    string
	compare func(w *World, a, b Ref) int
	time    func(w *World, n Ref) Time // set where the key is a time
	named   string                     // the parameter whose ids give the order, before all other criteria
	kind    Kind                       // of those ids
}

// asNamed sorts rows as the query names them in a parameter; without it they tie.
func asNamed(name, parameter string, kind Kind) sortKey {
	return sortKey{name: name, named: parameter, kind: kind, compare: func(*World, Ref, Ref) int { return 0 }}
}

// ordered is a key of asNamed for the ids given.
func (k sortKey) ordered(w *World, ids []string) sortKey {
	places := map[Ref]int{}
	for i, v := range ids {
		if id, ok := ParseID(v); ok {
			if n, known := w.keys.number(k.kind, id); known {
				places[Ref(n)] = i
			}
		}
	}
	k.compare = func(_ *World, a, b Ref) int { return cmp.Compare(places[a], places[b]) }
	return k
}

// byTime sorts by a time that may be null.
func byTime(name string, get func(w *World, n Ref) Time) sortKey {
	return sortKey{name: name, time: get, compare: func(w *World, a, b Ref) int {
		x, y := get(w, a), get(w, b)
		if x == 0 || y == 0 {
			return cmp.Compare(b2i(x == 0), b2i(y == 0))
		}
		return cmp.Compare(x, y)
	}}
}

// byText sorts by a text that is null when empty.
func byText(name string, get func(w *World, n Ref) string) sortKey {
	return sortKey{name: name, compare: func(w *World, a, b Ref) int {
		x, y := get(w, a), get(w, b)
		if x == "" || y == "" {
			return cmp.Compare(b2i(x == ""), b2i(y == ""))
		}
		return strings.Compare(x, y)
	}}
}

// byFolded sorts by a text without regard to case, as citext columns do.
func byFolded(name string, get func(w *World, n Ref) string) sortKey {
	return byText(name, func(w *World, n Ref) string { return strings.ToLower(get(w, n)) })
}

// byNumber sorts by a number that is never null.
func byNumber[T cmp.Ordered](name string, get func(w *World, n Ref) T) sortKey {
	return sortKey{name: name, compare: func(w *World, a, b Ref) int { return cmp.Compare(get(w, a), get(w, b)) }}
}

// byID sorts by the id of another row, null when there is none.
func byID(name string, kind Kind, get func(w *World, n Ref) Ref) sortKey {
	return sortKey{name: name, compare: func(w *World, a, b Ref) int {
		x, y := get(w, a), get(w, b)
		if x == y {
			return 0
		}
		if x == None || y == None {
			return cmp.Compare(b2i(x == None), b2i(y == None))
		}
		i, j := w.id(kind, int(x)), w.id(kind, int(y))
		return strings.Compare(string(i[:]), string(j[:]))
	}}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// filter makes the test for the values given for a query parameter. It adds what is wrong with them to the problems.
type filter func(w *World, name string, values []string, p *problems) func(n Ref) bool

// rangeFilter compares the time of a sort key with a given value.
type rangeFilter struct {
	key    string
	after  bool // else before
	closed bool // the bound itself is included
	time   func(w *World, n Ref) Time
}

func (f rangeFilter) accepts(t, bound Time) bool {
	if t == 0 {
		return false
	}
	if t == bound {
		return f.closed
	}
	return (t > bound) == f.after
}

// find is a resource's sort key by name.
func (r *resource) find(name string) *sortKey {
	for i := range r.sorts {
		if r.sorts[i].name == name {
			return &r.sorts[i]
		}
	}
	return nil
}

// shows tells whether GET by id finds the row.
func (r *resource) shows(w *World, n Ref) bool { return r.hidden == nil || !r.hidden(w, n) }

// among accepts rows whose text is one of those given; anything is allowed as a value. An empty text is null, which equals nothing.
func among(get func(w *World, n Ref) string) filter {
	return func(w *World, _ string, values []string, _ *problems) func(Ref) bool {
		return func(n Ref) bool {
			v := get(w, n)
			for _, want := range values {
				if v == want && v != "" {
					return true
				}
			}
			return false
		}
	}
}

// oneOf is among for an enumeration, which has the name kind: other values are refused.
func oneOf(kind string, get func(w *World, n Ref) string, allowed ...string) filter {
	test := among(get)
	return func(w *World, name string, values []string, p *problems) func(Ref) bool {
		checkEnums(p, kind, name, values, allowed)
		return test(w, name, values, p)
	}
}

// folded accepts rows whose text is the one given, whatever the case.
func folded(get func(w *World, n Ref) string) filter {
	return func(w *World, _ string, values []string, _ *problems) func(Ref) bool {
		return func(n Ref) bool { return strings.EqualFold(get(w, n), values[len(values)-1]) }
	}
}

// containing accepts rows one of whose texts holds the one given, whatever the case.
func containing(get func(w *World, n Ref) []string) filter {
	return func(w *World, _ string, values []string, _ *problems) func(Ref) bool {
		part := strings.ToLower(values[len(values)-1])
		return func(n Ref) bool {
			for _, s := range get(w, n) {
				if strings.Contains(strings.ToLower(s), part) {
					return true
				}
			}
			return false
		}
	}
}

// flag accepts rows whose boolean is the one given.
func flag(get func(w *World, n Ref) bool) filter {
	return func(w *World, name string, values []string, p *problems) func(Ref) bool {
		want := parseBool(p, name, values[len(values)-1])
		return func(n Ref) bool { return get(w, n) == want }
	}
}

// reference accepts rows that refer to one of the ids given.
func reference(kind Kind, get func(w *World, n Ref) Ref) filter {
	return func(w *World, name string, values []string, p *problems) func(Ref) bool {
		wanted := map[Ref]bool{}
		for _, id := range parseIDs(p, name, values) {
			if n, known := w.keys.number(kind, id); known {
				wanted[Ref(n)] = true
			}
		}
		return func(n Ref) bool { return wanted[get(w, n)] }
	}
}

// hasMetadata accepts rows with one of the values, compared as text, for a key.
func hasMetadata(w *World, key string, values []string, get func(w *World, n Ref) string) func(Ref) bool {
	return func(n Ref) bool {
		raw, ok := lookup(get(w, n), key)
		if !ok {
			return false
		}
		text := string(raw)
		if strings.HasPrefix(text, `"`) {
			text = unquote(raw)
		}
		for _, want := range values {
			if text == want {
				return true
			}
		}
		return false
	}
}
