package contract

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
	"syncd/internal/fetch/scan"
)

const (
	unknownID      = "00000000-0000-4000-8000-000000000000"
	unknownToken   = "polar_oat_nobodys"
	unknownVersion = "1999-01"
)

// Sample is how one list is asked for what its items look like.
type Sample struct {
	List  string // the name of the stream
	Path  string
	Query url.Values
	Scope string
	// Sort is the field by which the items come, "-" before it for falling; "" where there is no order.
	Sort string
	// Kinds is the filter that tells apart items of different kinds, which few pages might not show: name, of events.
	Kinds string
	// Owners are the lists for each of whose items this one is read, with the part of the path or the parameter that takes
	// its id.
	Owners []Owner
	// Get is the path of one object, "" where there is none.
	Get   string
	File  bool // a CSV file, of which the header counts
	Whole bool // no pages: one answer is all
	// Edges are the requests at the edges of the list.
	Edges []fetch.RawRequest
}

// Owner is a list for each of whose items another one is read.
type Owner struct{ List, Param string }

// SampleStreams says how each entry is sampled. today is Polar's: metrics are asked for the week before it.
func SampleStreams(entries []catalog.Entry, today time.Time) []Sample {
	list := make([]Sample, len(entries))
	for i, e := range entries {
		s := Sample{List: e.Name, Path: e.Path, Query: e.Query, Scope: e.Scope, Get: e.Get}
		for _, p := range e.Parents {
			s.Owners = append(s.Owners, Owner{p.Stream, p.Column})
		}
		s.order(e.Scan, today)
		if len(s.Owners) == 0 {
			s.edges()
		}
		list[i] = s
	}
	return list
}

// order takes from the scan of a list how a page of it is asked for: the newest items first, where it has an order.
func (s *Sample) order(how scan.Scan, today time.Time) {
	var sorting []string
	switch how := how.(type) {
	case scan.Offset:
		if sorting = how.Sort; len(how.Sort)+len(how.Fixed) > 0 {
			s.Sort = append(how.Sort, how.Fixed...)[0]
		}
	case scan.Keyset:
		sorting, s.Sort = []string{"-" + how.Sort}, "-"+how.Sort
	case scan.Windows:
		sorting, s.Sort, s.Kinds = []string{"-" + how.Field}, "-"+how.Field, "name"
	case scan.Array:
		s.Whole = true
	case scan.Nested:
		s.Whole = how.Field != ""
	case scan.Metrics:
		s.Whole, s.Query = true, week(how, today)
	case scan.MetricsExport:
		s.File, s.Query = true, week(how.Metrics, today)
	case scan.Export:
		s.File = true
		if len(how.Choose) > 0 {
			s.Query = lists.WithParameter(s.Query, "columns", how.Choose...)
			s.Edges = []fetch.RawRequest{{Path: s.Path, Query: url.Values{"columns": {"nonsense"}}}}
		}
	}
	if len(sorting) > 0 {
		s.Query = lists.WithParameter(s.Query, "sorting", sorting...)
	}
}

// week is the query for the days of a week, the last of which is over.
func week(m scan.Metrics, today time.Time) url.Values {
	return url.Values{"interval": m.Intervals[:1], "timezone": {"UTC"},
		"start_date": {today.AddDate(0, 0, -7).Format(time.DateOnly)}, "end_date": {today.AddDate(0, 0, -1).Format(time.DateOnly)}}
}

// edges are the questions that every list of pages answers by rules of its own.
func (s *Sample) edges() {
	if s.File || s.Whole {
		return
	}
	for _, wrong := range []string{"limit=0", "page=0", "page=99999", "sorting=nonsense"} {
		name, value, _ := strings.Cut(wrong, "=")
		s.Edges = append(s.Edges, fetch.RawRequest{Path: s.Path, Query: url.Values{name: {value}}})
	}
	other, slash := strings.CutSuffix(s.Path, "/")
	if !slash {
		other += "/"
	}
	s.Edges = append(s.Edges, fetch.RawRequest{Path: other}, fetch.RawRequest{Method: http.MethodHead, Path: s.Path})
	for _, id := range []string{unknownID, "nonsense"} {
		s.Edges = append(s.Edges, fetch.RawRequest{Path: strings.TrimSuffix(s.Path, "/") + "/" + id})
	}
	if s.Get != "" && strings.Count(s.Get, "{") > 1 {
		s.Edges = append(s.Edges, fetch.RawRequest{Path: filled(s.Get, unknownID)})
	}
}

// filled is a path with an id in place of everything in braces.
func filled(path, id string) string {
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + id + after
	}
}

// of is the sample for one owner.
func (s Sample) of(owner Owner, id string) Sample {
	if part := "{" + owner.Param + "}"; strings.Contains(s.Path, part) {
		s.Path = strings.ReplaceAll(s.Path, part, id)
	} else {
		s.Query = lists.WithParameter(s.Query, owner.Param, id)
	}
	return s
}

// everywhere are the edges that are the same for all lists, asked of one of them.
func everywhere(path string) []fetch.RawRequest {
	one := url.Values{"limit": {"1"}}
	return []fetch.RawRequest{
		{Path: path, Token: fetch.NoToken},
		{Path: path, Token: unknownToken},
		{Path: path, Query: one, Version: unknownVersion},
		{Path: "/v1/nonexistent/"},
	}
}

// page is the request for one page.
func (s Sample) page(number int) fetch.RawRequest {
	if s.File {
		const header = 64 << 10
		return fetch.RawRequest{Path: s.Path, Query: s.Query, Most: header}
	}
	if s.Whole {
		return fetch.RawRequest{Path: s.Path, Query: s.Query}
	}
	query := lists.WithParameter(s.Query, "limit", strconv.Itoa(lists.MaxLimit))
	return fetch.RawRequest{Path: s.Path, Query: lists.WithParameter(query, "page", strconv.Itoa(number))}
}

// Enums are the values of enums that the table of streams knows, by place.
func Enums(entries []catalog.Entry) map[Shape][]string {
	enums := map[Shape][]string{}
	for _, e := range entries {
		for field, values := range e.Expect.Enums {
			enums[Shape{List: e.Name, Path: field}] = values
		}
		for _, child := range e.Children {
			for field, values := range child.Expect.Enums {
				enums[Shape{List: e.Name, Path: child.Field + "[]." + field}.place()] = values
			}
		}
	}
	return enums
}
