package fetch

import (
	"context"
	"iter"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"
)

// Array reads a list that comes whole, as a bare JSON array: the metric dashboards.
type Array struct{}

// Pages implements Scan. It yields one page.
func (Array) Pages(ctx context.Context, c *Client, path string, query url.Values, _ Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		var items []jsontext.Value
		p, err := c.custom(ctx, path, query, func(body []byte) (err error) {
			items, err = splitArray(body)
			return err
		})
		if err == nil {
			p.Items, p.Total, p.Whole, p.TotalCount, p.MaxPage, p.Done = items, len(items), len(items), len(items), 1, true
		}
		yield(p, err)
	}
}

// custom reads a body that is no page of a list. What it says goes into a Page through decode.
func (c *Client) custom(ctx context.Context, path string, query url.Values, decode func([]byte) error) (Page, error) {
	p := Page{Total: -1, Whole: -1, TotalCount: -1, Query: c.complete(query)}
	made, err := c.do(ctx, "read", path, p.Query, decode)
	p.RequestedAt, p.Requests = made.sent, made.attempts
	return p, err
}
