package contract

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/rawjson"
)

// envelope is the path under which Shapes have what is around the items of a page.
const envelope = "(page)"

// View is what one server looks like.
type View struct {
	Shapes *Shapes
	// Asked are the endpoints, each once.
	Asked []string
	first map[string]fetch.RawAnswer   // by list: the answer to its first page
	wrong map[string]string            // by list: why a page of it could not be read
	order map[string]string            // by list: why its items are not in order; "" = they are, absent = nothing tells
	edges map[string][]fetch.RawAnswer // by list: in the order of Sample.Edges; "" = those that are everywhere the same
	ids   map[string][]string          // by list: of items seen
	kinds map[string]map[string]bool   // by list: see Sample.Kinds
}

// Sampler asks one server.
type Sampler struct {
	Server *fetch.RawClient
	// Pages is how many pages of a list are read from either end, and Owners for how many owners their lists are.
	Pages, Owners int
	// Asks is told of each list before it is asked for; nil = nobody is.
	Asks func(list, path string)
}

// NewView makes a View of nothing. enums is as in NewShapes.
func NewView(enums map[Shape][]string) *View {
	return &View{Shapes: NewShapes(enums), first: map[string]fetch.RawAnswer{}, wrong: map[string]string{}, order: map[string]string{}, edges: map[string][]fetch.RawAnswer{},
		kinds: map[string]map[string]bool{}}
}

// TakeSamples asks for the samples, and adds what it sees to a view. like is the view of another server, which tells what kinds of
// items to ask for; nil = none. An error stands where the server gave no answer of its own.
func (l Sampler) TakeSamples(ctx context.Context, v, like *View, samples []Sample) error {
	var kinds map[string]map[string]bool
	if like != nil {
		kinds = like.kinds
	}
	v.ids = map[string][]string{}
	for i, s := range samples {
		if l.Asks != nil {
			l.Asks(s.List, s.Path)
		}
		v.note(s.Path)
		err := l.list(ctx, v, s)
		for kind := range kinds[s.List] {
			if err == nil && v.first[s.List].Status == http.StatusOK {
				of := s
				of.Query = lists.WithParameter(s.Query, s.Kinds, kind)
				_, err = l.page(ctx, v, of, 1)
			}
		}
		if err == nil && !lacksScope(v.first[s.List]) { // a token without the scope learns nothing at the edges
			v.edges[s.List], err = l.edges(ctx, v, s.Edges)
		}
		if err == nil && i == 0 {
			v.edges[""], err = l.edges(ctx, v, everywhere(s.Path))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *View) note(path string) {
	if !slices.Contains(v.Asked, path) {
		v.Asked = append(v.Asked, path)
	}
}

// list asks for the pages of a list, or of those of some owners.
func (l Sampler) list(ctx context.Context, v *View, s Sample) error {
	if len(s.Owners) == 0 {
		return l.pages(ctx, v, s)
	}
	for _, owner := range s.Owners {
		for _, id := range v.ids[owner.List][:min(l.Owners, len(v.ids[owner.List]))] {
			if _, err := l.page(ctx, v, s.of(owner, id), 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages asks for the first pages and the last ones.
func (l Sampler) pages(ctx context.Context, v *View, s Sample) error {
	last, err := l.page(ctx, v, s, 1)
	if err != nil {
		return err
	}
	for n := 2; n <= last; n++ {
		if n > l.Pages && n <= last-l.Pages {
			continue
		}
		if _, err := l.page(ctx, v, s, n); err != nil {
			return err
		}
	}
	return nil
}

// page asks for one page, notes what it looks like, and gives the number of the last one.
func (l Sampler) page(ctx context.Context, v *View, s Sample, number int) (last int, err error) {
	answer, err := l.Server.Send(ctx, s.page(number))
	if err != nil {
		return 0, err
	}
	if was, asked := v.first[s.List]; !asked || was.Status != http.StatusOK {
		v.first[s.List] = answer
	}
	if answer.Status != http.StatusOK {
		return 0, nil
	}
	last, wrong := v.read(s, answer.Body)
	if wrong != "" {
		v.wrong[s.List] = wrong
	}
	return last, nil
}

// read notes what a body looks like, or says why it cannot be read.
func (v *View) read(s Sample, answer []byte) (last int, wrong string) {
	switch {
	case s.File:
		return 0, v.header(s, answer)
	case !json.Valid(answer):
		return 0, "no JSON"
	}
	body := jsontext.Value(bytes.TrimSpace(answer))
	items := rawjson.Member(body, "items")
	if items.Kind() != '[' {
		v.single(s, body)
		return 0, ""
	}
	var previous string
	for item := range rawjson.Elements(items) {
		v.item(s, item)
		previous = v.sorted(s, item, previous)
	}
	return v.around(s, body)
}

// single notes an answer without pages: a bare list, or an object that has one.
func (v *View) single(s Sample, body jsontext.Value) {
	if body.Kind() != '[' {
		v.item(s, body)
		return
	}
	for item := range rawjson.Elements(body) {
		v.item(s, item)
	}
}

func (v *View) item(s Sample, item jsontext.Value) {
	v.Shapes.AddItem(s.List, json.RawMessage(item))
	if id := lists.ID(item); id != "" {
		v.ids[s.List] = append(v.ids[s.List], id)
	}
	if s.Kinds != "" && rawjson.Text(rawjson.Member(item, "source")) == "system" {
		if v.kinds[s.List] == nil {
			v.kinds[s.List] = map[string]bool{}
		}
		v.kinds[s.List][rawjson.Text(rawjson.Member(item, s.Kinds))] = true
	}
}

// around notes what a page has beside its items.
func (v *View) around(s Sample, body jsontext.Value) (last int, wrong string) {
	v.Shapes.AddShape(Shape{s.List, envelope, "object"})
	v.Shapes.objects[Shape{List: s.List, Path: envelope}]++
	for quoted, value := range rawjson.Members(body) {
		if name, err := rawjson.Unquote(quoted); err == nil && string(name) != "items" {
			v.Shapes.value(Shape{List: s.List, Path: envelope + "." + string(name)}, value)
		}
	}
	var page struct {
		Pagination struct {
			Total int `json:"total_count"`
			Last  int `json:"max_page"`
		}
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return 0, "counts that are no numbers"
	}
	p := page.Pagination
	if p.Last != (p.Total+lists.MaxLimit-1)/lists.MaxLimit {
		v.Shapes.AddShape(Shape{s.List, envelope + ".pagination.max_page", "other than total_count / limit"})
	}
	return p.Last, ""
}

// sorted holds an item against the one before it, by the first field of the order.
func (v *View) sorted(s Sample, item jsontext.Value, previous string) string {
	field, falling := strings.CutPrefix(s.Sort, "-")
	value := rawjson.Text(rawjson.Member(item, field))
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return previous
	}
	if _, noted := v.order[s.List]; !noted {
		v.order[s.List] = ""
	}
	if before, err := time.Parse(time.RFC3339Nano, previous); err == nil && before.Compare(at) == order(falling) {
		v.order[s.List] = value + " after " + previous
	}
	return value
}

// order is how an item that comes too early compares with the one after it.
func order(falling bool) int {
	if falling {
		return -1
	}
	return 1
}

// header notes the columns of a file.
func (v *View) header(s Sample, file []byte) (wrong string) {
	line, _, _ := bytes.Cut(file, []byte("\n"))
	columns, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return "no header of a CSV file"
	}
	v.Shapes.objects[Shape{List: s.List}]++
	for _, name := range columns {
		v.Shapes.AddShape(Shape{s.List, strings.ReplaceAll(name, ".", "_"), "column"})
	}
	return ""
}

func (l Sampler) edges(ctx context.Context, v *View, asks []fetch.RawRequest) ([]fetch.RawAnswer, error) {
	answers := make([]fetch.RawAnswer, len(asks))
	for i, ask := range asks {
		answer, err := l.Server.Send(ctx, ask)
		if err != nil {
			return nil, err
		}
		if path := filed(ask.Path); path != ask.Path {
			v.note(path)
		}
		answers[i] = answer
	}
	return answers, nil
}

// filed is the path without ids that were made up.
func filed(path string) string {
	for _, id := range []string{unknownID, "nonsense"} {
		path = strings.ReplaceAll(path, id, "{id}")
	}
	return path
}

// request is how an edge is named.
func request(a fetch.RawRequest) string {
	text := a.Path
	if a.Method != "" {
		text = a.Method + " " + text
	}
	if len(a.Query) > 0 {
		query, err := url.QueryUnescape(a.Query.Encode())
		if err != nil {
			query = a.Query.Encode()
		}
		text += "?" + query
	}
	switch {
	case a.Token == fetch.NoToken:
		text += " without a token"
	case a.Token != "":
		text += " with a wrong token"
	case a.Version != "":
		text += " in version " + a.Version
	}
	return text
}
