package contract

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// Shape is a place in the items of a list, and the JSON type of what stands there: int, float, string, bool, null, object or
// array. In Path objects are divided by dots, and the elements of arrays are "[]": prices[].meter.name.
type Shape struct{ List, Path, Kind string }

func (s Shape) String() string { return s.List + ": " + s.Path + " " + s.Kind }

// inside is the name of the list whose objects stand inside of others, by the names of fields. An object that is embedded in
// many places is the same kind of thing in each.
var inside = map[string]string{
	"product": "products", "products[]": "products", "price": "prices", "prices[]": "prices", "product_price": "prices", "discount": "discounts",
	"customer": "customers", "subscription": "subscriptions", "member": "members", "custom_field": "custom_fields", "meter": "meters", "dispute": "disputes",
	"medias[]": "files", "benefit": "benefits", "benefits[]": "benefits", "user": "users",
}

// variants are the objects of several kinds, each with fields of its own.
var variants = []string{"prices", "discounts", "custom_fields", "benefits"}

// free are objects whose keys are anybody's: what is in them has no shape. At the top of a product prices is a list.
var free = []string{"metadata", "custom_field_data", "customer_metadata", "prices", "archived", "unit_label", "benefit_metadata", "meta", "seat_metadata"}

// place is the shape within the object in which it stands.
func (s Shape) place() Shape {
	segments, object, from := strings.Split(s.Path, "."), s.List, 0
	for i, segment := range segments {
		if name := inside[segment]; name != "" && i < len(segments)-1 {
			object, from = name, i+1
		}
	}
	return Shape{object, strings.Join(segments[from:], "."), s.Kind}
}

// path is the shape without its type.
func (s Shape) path() Shape { return Shape{List: s.List, Path: s.Path} }

// container is what the shape stands in; its path is "" at the top.
func (s Shape) container() Shape {
	if array, is := strings.CutSuffix(s.Path, "[]"); is {
		return Shape{s.List, array, "array"}
	}
	return Shape{s.List, s.Path[:max(0, strings.LastIndexByte(s.Path, '.'))], "object"}
}

// Shapes are what the items of lists look like.
type Shapes struct {
	exact, places map[Shape]bool
	times         map[Shape]int             // by path: how often something stood there
	objects       map[Shape]int             // by path: how often an object did, whose fields are known; items have the path ""
	values        map[Shape]map[string]bool // by place: what stood in enums
	enums         map[Shape][]string        // by place: the values that are known
}

// NewShapes makes Shapes that note the values of enums. Those that are known are given, by place.
func NewShapes(enums map[Shape][]string) *Shapes {
	return &Shapes{exact: map[Shape]bool{}, places: map[Shape]bool{}, times: map[Shape]int{}, objects: map[Shape]int{}, values: map[Shape]map[string]bool{}, enums: enums}
}

// AddItem notes the shapes of an item, which is valid JSON. The metadata of a system event have fields of its kind: they stand
// under the name of the event.
func (s *Shapes) AddItem(list string, item json.RawMessage) {
	value := jsontext.Value(bytes.TrimSpace(item))
	if value.Kind() != '{' {
		s.value(Shape{List: list, Path: "(item)"}, value)
		return
	}
	of := ""
	if list == "events" && rawjson.Text(rawjson.Member(value, "source")) == "system" {
		of = eventField(rawjson.Text(rawjson.Member(value, "name")))
	}
	s.objects[Shape{List: list}]++
	for quoted, member := range rawjson.Members(value) {
		name, err := rawjson.Unquote(quoted)
		if err != nil {
			continue
		}
		path := string(name)
		if of != "" && path == "metadata" {
			path = of
		}
		s.value(Shape{List: list, Path: path}, member)
	}
}

func eventField(name string) string { return strings.ReplaceAll(name, ".", "_") }

// AddShape notes one shape that is no item's, such as a column of a file.
func (s *Shapes) AddShape(x Shape) {
	s.exact[x], s.places[x.place()] = true, true
	s.times[x.path()]++
}

func (s *Shapes) value(at Shape, raw jsontext.Value) {
	at.Kind = kindOf(raw)
	s.AddShape(at)
	switch at.Kind {
	case "object":
		if slices.Contains(free, at.Path[strings.LastIndexByte(at.Path, '.')+1:]) {
			return
		}
		s.objects[at.path()]++
		for quoted, member := range rawjson.Members(raw) {
			if name, err := rawjson.Unquote(quoted); err == nil {
				s.value(Shape{List: at.List, Path: at.Path + "." + string(name)}, member)
			}
		}
	case "array":
		for element := range rawjson.Elements(raw) {
			s.value(Shape{List: at.List, Path: at.Path + "[]"}, element)
		}
	case "string":
		place := at.path().place()
		if s.enums[place] == nil {
			return
		}
		if s.values[place] == nil {
			s.values[place] = map[string]bool{}
		}
		s.values[place][rawjson.Text(raw)] = true
	}
}

func kindOf(raw jsontext.Value) string {
	switch raw.Kind() {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}

// Contains tells whether a shape is there: exactly, or in another place of the same kind of object, where its path is known here,
// or depends on a variant, or what it stands in was never more than null.
func (s *Shapes) Contains(x Shape) bool {
	place, up := x.place(), x.container()
	return s.exact[x] || s.places[place] && (s.times[x.path()] > 0 || slices.Contains(variants, place.List) || up.Path != "" && !s.exact[up])
}

// rows is how many items of a list were noted.
func (s *Shapes) rows(list string) int { return s.objects[Shape{List: list}] }

// kinds are the types that stand at a path, sorted.
func (s *Shapes) kinds(at Shape) (list []string) {
	for x := range s.exact {
		if x.path() == at.path() {
			list = append(list, x.Kind)
		}
	}
	slices.Sort(list)
	return list
}

// NotIn are the shapes that the other has not, sorted. Of what stands in something that the other has not either, only the
// outermost is named.
func (s *Shapes) NotIn(other *Shapes) (list []Shape) {
	for x := range s.exact {
		if up := x.container(); !other.Contains(x) && (up.Path == "" || other.Contains(up)) {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, byText)
	return list
}

// MissingFields are the fields that every such object of the other has and none here, although there are such objects, sorted.
func (s *Shapes) MissingFields(other *Shapes) (list []Shape) {
	for at, n := range other.times {
		if strings.HasSuffix(at.Path, "[]") || s.times[at] > 0 {
			continue
		}
		up := at.container().path()
		if at.List == "events" && up.Path != "" { // what an event says depends on what happened
			continue
		}
		if s.objects[up] > 0 && other.objects[up] == n {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, byText)
	return list
}

func byText(a, b Shape) int { return strings.Compare(a.String(), b.String()) }
