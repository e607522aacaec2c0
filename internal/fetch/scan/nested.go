package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Nested reads lists that Polar returns for one parent at a time only: the seats of a subscription, the payment methods of a
// customer. The caller names the parents, and has to know whether these are all.
//
// A parent that the server does not find is skipped, and named in Cursor.Gone: nothing is known of its children. Whole, on the
// last page, is the sum of what each parent's list counted.
type Nested struct {
	Field   string    // where the answer is one object, the key of the list in it: seats; "" for a list with pages
	Fixed   []string  // the order of a list with pages: see Offset
	Parents []Parents // read one kind after the other
}

// Parents are the parents of one kind.
type Parents struct {
	// Param takes the parent's id. It names a part of the path in braces or, where the path has none of that name, a parameter of
	// the query: customer_id.
	Param string
	// After returns the ids that follow an id, in ascending order, as many at a time as it likes; none at the end. The empty id
	// comes before all others.
	After func(ctx context.Context, id string) ([]string, error)
}

// Of is the scan of what belongs to these parents of one kind only.
func (n Nested) Of(param string, ids []string) Nested {
	n.Parents = []Parents{{Param: param, After: func(_ context.Context, id string) ([]string, error) {
		if id != "" {
			return nil, nil
		}
		return ids, nil
	}}}
	return n
}

const (
	// maxListPasses is how often the list of one parent is read until it adds up.
	maxListPasses = 3
	// objectAttempts is how often an object is requested that cannot be rendered.
	objectAttempts = 3
	// maxGone bounds the parents that are not found. More of them did not vanish just now: the known parents are out of date.
	maxGone = 1000
	// maxFailed bounds how many parents in a row cannot be rendered: then the parents are not the cause.
	maxFailed = 20
	// maxSilent is how many parents without children may be skipped before the position is yielded.
	maxSilent = 20
)

// Pages implements Scan. A page holds the children of one parent; a position names the last parent that has been read.
func (n Nested) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, from Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		s := &nestedScan{Nested: n, client: c, path: path, query: query, at: from}
		for ; s.at.Part < len(n.Parents); s.at.Part, s.at.Key = s.at.Part+1, "" {
			for {
				ids, err := n.Parents[s.at.Part].After(ctx, s.at.Key)
				if err != nil {
					yield(s.page(Page{}), fmt.Errorf("parents of %s: %w", path, err))
					return
				}
				if len(ids) == 0 {
					break
				}
				for _, id := range ids {
					page, err := s.parent(ctx, id)
					if err == nil && len(page.Items)+len(page.Gaps) == 0 && s.silent < maxSilent {
						s.silent, s.spent = s.silent+1, page.Requests
						continue
					}
					s.silent, s.spent = 0, 0
					if !yield(page, err) || err != nil {
						return
					}
				}
			}
		}
		s.at.Part = len(n.Parents)
		last := s.page(Page{})
		last.Done, last.Whole = true, s.at.Total
		yield(last, nil)
	}
}

type nestedScan struct {
	Nested
	client *fetch.Client
	path   string
	query  url.Values
	at     Cursor
	failed int // parents in a row that cannot be rendered
	silent int // parents in a row without children, since the last page
	spent  int // requests for those
}

// page completes a page before it is yielded.
func (s *nestedScan) page(p Page) Page {
	p.Total, p.Whole, p.TotalCount = -1, -1, -1
	p.Requests += s.spent
	p.Next = s.at
	return p
}

// parent reads the list of one parent.
func (s *nestedScan) parent(ctx context.Context, id string) (Page, error) {
	param := s.Parents[s.at.Part].Param
	path, query := s.path, s.query
	if placeholder := "{" + param + "}"; strings.Contains(path, placeholder) {
		path = strings.ReplaceAll(path, placeholder, url.PathEscape(id))
	} else {
		query = lists.WithParameter(query, param, id)
	}
	var p Page
	var total int
	var err error
	if s.Field != "" {
		p, total, err = s.object(ctx, path, query)
	} else {
		p, total, err = s.list(ctx, path, query)
	}
	switch {
	case errors.Is(err, fetch.ErrNotFound):
		if strings.Count(s.at.Gone, " ") >= maxGone {
			return s.page(p), broken(s.client, path, p.Query, "more than %d parents are not found, so the known ones are out of date: %w", maxGone, err)
		}
		s.at.Gone = strings.TrimPrefix(s.at.Gone+" "+id, " ")
		p.Items, p.Gaps, total, err = nil, nil, 0, nil
	}
	if err != nil {
		return s.page(p), err
	}
	for i := range p.Gaps {
		p.Gaps[i].Query = lists.WithParameter(p.Gaps[i].Query, param, id)
	}
	s.at.Key = id
	s.at.Total += total
	return s.page(p), nil
}

// object reads a list that is inside one object.
func (s *nestedScan) object(ctx context.Context, path string, query url.Values) (p Page, total int, err error) {
	var items []jsontext.Value
	p, err = readBody(fetch.WithRenderAttempts(ctx, objectAttempts), s.client, path, query, func(body []byte) (err error) {
		items, err = fetch.SplitField(body, s.Field)
		return err
	})
	if !fetch.IsUnrendered(err) {
		s.failed = 0
		// One child that cannot be rendered hides all of them, and their number.
	} else if s.failed++; s.failed < maxFailed {
		p.Gaps = []fetch.Gap{{Query: query, Row: 1, Err: err}}
		return p, 1, nil
	}
	p.Items = items
	return p, len(items), err
}

// list reads a list with pages until it adds up, and returns it as one page.
func (s *nestedScan) list(ctx context.Context, path string, query url.Values) (all Page, total int, err error) {
	ids := map[string]struct{}{}
	for range maxListPasses {
		nameless, tied := 0, 0
		all.Gaps = nil
		for p, err := range (Offset{Fixed: s.Fixed}).list(ctx, s.client, path, query, Cursor{}) {
			all.Requests += p.Requests
			all.Query = p.Query
			if err != nil {
				return all, 0, err
			}
			if all.RequestedAt.IsZero() { // the oldest part decides whether another answer is newer
				all.RequestedAt = p.RequestedAt
			}
			all.Items, all.Gaps, total = append(all.Items, p.Items...), append(all.Gaps, p.Gaps...), p.TotalCount
			tied = p.Next.Tied
			for _, item := range p.Items {
				if id := lists.ID(item); id != "" {
					ids[id] = struct{}{}
				} else {
					nameless++
				}
			}
		}
		if len(ids)+nameless+len(all.Gaps) == total-tied {
			s.at.Tied += tied
			break
		}
	}
	return all, total, nil
}
