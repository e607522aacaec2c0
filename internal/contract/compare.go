package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/rawjson"
)

// Difference is one thing in which the servers differ.
type Difference struct {
	Streams []string `json:"streams"`
	Path    string   `json:"path"` // of a field, or what was asked at the edge of a list
	// Kind is field (there and not here), missing (in each object here, in none there), type, value (of an enum), order,
	// status, body, or "header NAME".
	Kind  string `json:"kind"`
	There string `json:"there"`
	Here  string `json:"here"`
}

// Uncompared is a list of which nothing can be said.
type Uncompared struct {
	Stream string `json:"stream"`
	Why    string `json:"why"`
}

// Report is what came of a comparison.
type Report struct {
	Differences []Difference `json:"differences"`
	// Unseen are shapes that are made here and were not seen there. They are no differences: whoever is there may have no such
	// rows.
	Unseen     []Difference `json:"unseen"`
	Uncompared []Uncompared `json:"uncompared"`
	Known      int          `json:"known"` // differences that are known, and not named
}

// ComparedHeaders are those that are compared.
func ComparedHeaders() []string {
	return []string{"Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate", "Allow", "Location", "Polar-Version"}
}

// Compare holds what one server looks like against what the simulated one does. Both were asked for the same samples.
func Compare(samples []Sample, there, here *View) Report {
	c := &comparison{there: there, here: here}
	compared := map[string]bool{}
	for i, s := range samples {
		if compared[s.List] = c.list(s); !compared[s.List] {
			continue
		}
		if t, h := there.edges[s.List], here.edges[s.List]; len(t) == len(h) {
			for n := range h {
				c.edge(s, s.Edges[n], t[n], h[n])
			}
		}
		if i == 0 {
			for n, ask := range everywhere(s.Path) {
				c.edge(s, ask, there.edges[""][n], here.edges[""][n])
			}
		}
	}
	only, simulated := OnlyReal(), OnlySimulated()
	for _, x := range there.Shapes.NotIn(here.Shapes) {
		if compared[x.List] && here.Shapes.rows(x.List) > 0 {
			c.shape(only, x)
		}
	}
	for _, x := range there.Shapes.MissingFields(here.Shapes) {
		c.missing(simulated, x, compared[x.List])
	}
	for _, x := range here.Shapes.NotIn(there.Shapes) {
		if compared[x.List] && there.Shapes.rows(x.List) > 0 && len(simulated.MatchingPatterns(x)) == 0 {
			c.report.Unseen = append(c.report.Unseen, Difference{[]string{x.List}, x.Path, "type", strings.Join(there.Shapes.kinds(x), "|"), x.Kind})
		}
	}
	c.values()
	return c.report
}

// comparison is one under way.
type comparison struct {
	there, here *View
	report      Report
}

// add notes a difference, with those that are the same of other lists.
func (c *comparison) add(list, path, kind, there, here string) {
	for i, d := range c.report.Differences {
		if d.Path == path && d.Kind == kind && d.There == there && d.Here == here {
			if !slices.Contains(d.Streams, list) {
				c.report.Differences[i].Streams = append(d.Streams, list)
			}
			return
		}
	}
	c.report.Differences = append(c.report.Differences, Difference{[]string{list}, path, kind, there, here})
}

func (c *comparison) uncompared(list, why string) bool {
	c.report.Uncompared = append(c.report.Uncompared, Uncompared{list, why})
	return false
}

// list compares the first pages of a list, and tells whether the rest can be compared.
func (c *comparison) list(s Sample) bool {
	there, asked := c.there.first[s.List]
	here, answered := c.here.first[s.List]
	switch {
	case !asked || !answered:
		return c.uncompared(s.List, "it is read for each of "+s.Owners[0].List+", of which none was seen")
	case lacksScope(there) && !lacksScope(here):
		return c.uncompared(s.List, "the token may not read it: the scope is "+s.Scope)
	case there.Status != here.Status:
		c.add(s.List, envelope, "status", strconv.Itoa(there.Status), strconv.Itoa(here.Status))
		return false
	case there.Status != http.StatusOK:
		c.answer(s.List, envelope, there, here)
		return true
	}
	c.headers(s.List, envelope, there, here)
	switch {
	case c.there.wrong[s.List] != "":
		c.add(s.List, envelope, "body", c.there.wrong[s.List], "")
	case c.there.Shapes.rows(s.List) == 0 && len(s.Owners) > 0:
		c.uncompared(s.List, "none of those "+s.Owners[0].List+" has any that it was asked for")
	case c.there.Shapes.rows(s.List) == 0:
		c.uncompared(s.List, "the list is empty there: only what is around its items was compared")
	case c.here.Shapes.rows(s.List) == 0:
		c.uncompared(s.List, "the simulated Polar has no such items")
	}
	if wrong := c.there.order[s.List]; wrong != "" && c.here.order[s.List] == "" {
		c.add(s.List, strings.TrimPrefix(s.Sort, "-"), "order", wrong, "by "+s.Sort)
	}
	return true
}

// lacksScope tells Polar's refusal of a token from that of a proxy.
func lacksScope(a fetch.RawAnswer) bool {
	return a.Status == http.StatusForbidden && rawjson.Text(rawjson.Member(bytes.TrimSpace(a.Body), "error")) == "insufficient_scope"
}

// shape notes a shape that is there and not here.
func (c *comparison) shape(known Exceptions, x Shape) {
	if len(known.MatchingPatterns(x)) > 0 {
		c.report.Known++
		return
	}
	kinds := strings.Join(c.here.Shapes.kinds(x), "|")
	kind := "type"
	if kinds == "" {
		kind = "field"
	}
	c.add(x.List, x.Path, kind, x.Kind, kinds)
}

// missing notes a field that is in every such object here and in none there.
func (c *comparison) missing(known Exceptions, x Shape, compared bool) {
	kinds := c.here.Shapes.kinds(x)
	for _, kind := range kinds {
		if len(known.MatchingPatterns(Shape{x.List, x.Path, kind})) > 0 {
			c.report.Known++
			return
		}
	}
	if compared {
		c.add(x.List, x.Path, "missing", "", strings.Join(kinds, "|"))
	}
}

// values compares what stands in fields that are enums.
func (c *comparison) values() {
	places := slices.SortedFunc(maps.Keys(c.there.Shapes.values), byText)
	for _, place := range places {
		known := c.there.Shapes.enums[place]
		for _, value := range slices.Sorted(maps.Keys(c.there.Shapes.values[place])) {
			if !slices.Contains(known, value) && !c.here.Shapes.values[place][value] {
				c.add(place.List, place.Path, "value", value, strings.Join(known, "|"))
			}
		}
	}
}

// edge compares the answers to one request at the edges of a list.
func (c *comparison) edge(s Sample, ask fetch.RawRequest, there, here fetch.RawAnswer) {
	ask.Path = cmp.Or(strings.TrimPrefix(ask.Path, strings.TrimSuffix(s.Path, "/")), "(no slash)")
	c.answer(s.List, request(ask), there, here)
}

// answer compares two answers. Of two pages only what does not depend on who is asked is compared.
func (c *comparison) answer(list, what string, there, here fetch.RawAnswer) {
	if there.Status != here.Status {
		c.add(list, what, "status", strconv.Itoa(there.Status), strconv.Itoa(here.Status))
		return
	}
	c.headers(list, what, there, here)
	if here.Status == http.StatusOK {
		if t, h := isEmpty(there.Body), isEmpty(here.Body); t != h && strings.Contains(what, "page=") {
			c.add(list, what, "items", t, h)
		}
		return
	}
	t, h := leaves(there.Body), leaves(here.Body)
	for _, path := range slices.Sorted(maps.Keys(t)) {
		if t[path] != h[path] {
			c.add(list, what, strings.TrimSpace("body "+path), t[path], h[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(h)) {
		if _, both := t[path]; !both {
			c.add(list, what, strings.TrimSpace("body "+path), "", h[path])
		}
	}
}

func (c *comparison) headers(list, what string, there, here fetch.RawAnswer) {
	for _, name := range ComparedHeaders() {
		t, h := there.Header.Get(name), here.Header.Get(name)
		if name == "Location" {
			t, h = pathOf(t), pathOf(h)
		}
		if t != h && !c.named(list, "header "+name, t, h) {
			c.add(list, what, "header "+name, t, h)
		}
	}
}

// named tells whether a list has a difference of its page already.
func (c *comparison) named(list, kind, there, here string) bool {
	return slices.ContainsFunc(c.report.Differences, func(d Difference) bool {
		return d.Path == envelope && d.Kind == kind && d.There == there && d.Here == here && slices.Contains(d.Streams, list)
	})
}

// pathOf is a location without the host, which is another one there.
func pathOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	return u.RequestURI()
}

func isEmpty(body []byte) string {
	if items := rawjson.Member(bytes.TrimSpace(body), "items"); len(items) > 0 {
		for range rawjson.Elements(items) {
			return "some"
		}
		return "none"
	}
	return ""
}

// leaves are the values of a JSON text by their paths; of any other text, itself.
func leaves(body []byte) map[string]string {
	found := map[string]string{}
	if len(body) == 0 {
		return found
	}
	if !json.Valid(body) {
		const shown = 120
		found[""] = string(body[:min(len(body), shown)])
		return found
	}
	var walk func(path string, value jsontext.Value)
	walk = func(path string, value jsontext.Value) {
		switch value.Kind() {
		case '{':
			for name, member := range rawjson.Members(value) {
				walk(strings.TrimPrefix(path+"."+rawjson.Text(name), "."), member)
			}
		case '[':
			n := 0
			for element := range rawjson.Elements(value) {
				walk(path+"["+strconv.Itoa(n)+"]", element)
				n++
			}
		default:
			found[path] = string(value)
		}
	}
	walk("", jsontext.Value(bytes.TrimSpace(body)))
	return found
}
