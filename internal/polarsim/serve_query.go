package polarsim

import (
	"math"
	"net/url"
	"slices"
	"strings"
)

// maxLimit is the most rows of a page. A larger limit is clamped, not refused.
const maxLimit = 100

// listQuery is the parsed query of a list.
type listQuery struct {
	page, limit int
	sorting     []criterion
	tests       []func(n Ref) bool
	ranges      []bound
	key         string // identifies everything but page, limit and ranges
	empty       bool   // nothing can match: a foreign organization
	unhidden    bool   // the filter is given that shows what the list leaves out otherwise
}

// beyond: the offset of the page does not fit into 64 bits. Upstream's database driver fails on it.
func (l *listQuery) beyond() bool { return l.page-1 > math.MaxInt/l.limit }

// offset is the number of rows before the page.
func (l *listQuery) offset() int {
	if l.beyond() {
		return math.MaxInt
	}
	return (l.page - 1) * l.limit
}

type criterion struct {
	sortKey
	desc bool
}

type bound struct {
	rangeFilter
	at Time
}

// parsePage reads which page is asked for.
func parsePage(q url.Values, p *problems) (page, limit int) {
	page, limit = 1, 10
	if v, ok := q["page"]; ok {
		page = parsePositive(p, "page", v[len(v)-1])
	}
	if v, ok := q["limit"]; ok {
		limit = min(maxLimit, parsePositive(p, "limit", v[len(v)-1]))
	}
	return page, limit
}

// parse reads the query of a list. Unknown parameters are ignored, as upstream does.
func (w *World) parse(r *resource, q url.Values, p *problems) listQuery {
	var l listQuery
	l.page, l.limit = parsePage(q, p)
	w.parseSorting(r, &l, q, p)
	var key strings.Builder
	for _, c := range l.sorting {
		key.WriteString(c.name + b2s(c.desc) + "\x00")
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := q[name]
		if f, ok := r.ranges[name]; ok {
			last := values[len(values)-1]
			at, naive := parseTime(p, name, last)
			if naive && r.aware {
				p.pydantic("timezone_aware", []any{"query", name}, last)
			}
			l.ranges = append(l.ranges, bound{f, at})
			continue
		}
		var test func(Ref) bool
		if f, ok := r.filters[name]; ok {
			test = f(w, name, values, p)
			l.unhidden = l.unhidden || name == r.asked
		} else if metadata, ok := r.filters["metadata"]; ok && strings.HasPrefix(name, "metadata[") && strings.HasSuffix(name, "]") {
			test = metadata(w, name[len("metadata["):len(name)-1], values, p)
		} else if name == "organization_id" && !r.noOrg {
			w.onlyOrganization(&l, values, p)
		}
		if test != nil {
			l.tests = append(l.tests, test)
			key.WriteString(name + "\x01" + strings.Join(values, "\x02") + "\x00")
		}
	}
	l.key = key.String()
	return l
}

func b2s(desc bool) string {
	if desc {
		return "-"
	}
	return "+"
}

func (w *World) parseSorting(r *resource, l *listQuery, q url.Values, p *problems) {
	given, ok := q["sorting"]
	if !ok || r.fixed {
		given = r.sorting
	}
	for i, s := range given {
		name, desc := strings.CutPrefix(s, "-")
		if key := r.find(name); key != nil && key.named != "" {
			l.sorting = slices.Insert(l.sorting, 0, criterion{key.ordered(w, q[key.named]), desc})
			continue
		} else if key != nil {
			l.sorting = append(l.sorting, criterion{*key, desc})
			continue
		}
		allowed := make([]string, 0, 2*len(r.sorts))
		for _, k := range r.sorts {
			allowed = append(allowed, k.name, "-"+k.name)
		}
		checkEnum(p, []any{"query", "sorting", i}, s, allowed)
	}
}

// onlyOrganization checks organization_id: a foreign one gives an empty list, not an error.
func (w *World) onlyOrganization(l *listQuery, values []string, p *problems) {
	own := false
	for _, id := range parseIDs(p, "organization_id", values) {
		own = own || id == w.id(KindOrganization, 0)
	}
	l.empty = !own
}
