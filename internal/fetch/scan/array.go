package scan

import (
	"context"
	"iter"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
)

// Array reads a list that comes whole, as a bare JSON array: the metric dashboards.
type Array struct{}

// Pages implements Scan. It yields one page.
func (Array) Pages(ctx context.Context, c *fetch.Client, path string, query url.Values, _ Cursor) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		var items []jsontext.Value
		p, err := readBody(ctx, c, path, query, func(body []byte) (err error) {
			items, err = fetch.SplitArray(body)
			return err
		})
		if err == nil {
			p.Items, p.Total, p.Whole, p.TotalCount, p.MaxPage, p.Done = items, len(items), len(items), len(items), 1, true
		}
		yield(p, err)
	}
}
