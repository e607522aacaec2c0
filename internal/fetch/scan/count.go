package scan

import (
	"context"
	"net/url"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Count is how many rows a scan should bring by Polar's own count, requested separately with pages of one row. A scan that
// narrows its query as it goes, or that reads several lists, never sees that number in its own pages.
//
// Requests is what the count cost, also with an error. Total is -1 where the endpoint does not count.
type Count struct{ Total, Requests int }

// Counter is a Scan whose rows can be counted without reading them.
type Counter interface {
	Count(ctx context.Context, c *fetch.Client, path string, query url.Values) (Count, error)
}

// Count implements Counter.
func (k Keyset) Count(ctx context.Context, c *fetch.Client, path string, query url.Values) (Count, error) {
	return count(ctx, c, path, k.bounded(query))
}

// Count implements Counter: it adds up the plain list and every part.
func (o Offset) Count(ctx context.Context, c *fetch.Client, path string, query url.Values) (Count, error) {
	n, err := count(ctx, c, path, query)
	if err != nil || o.Each == nil {
		return n, err
	}
	ids, requests, err := o.Each.ids(ctx, c)
	n.Requests += requests
	if err != nil {
		return n, err
	}
	for _, id := range ids {
		part, err := count(ctx, c, path, lists.WithParameter(query, o.Each.Param, id))
		n.Requests += part.Requests
		if err != nil {
			return n, err
		}
		n.Total += part.Total
	}
	return n, nil
}

func count(ctx context.Context, c *fetch.Client, path string, query url.Values) (Count, error) {
	p, err := c.CountPage(ctx, path, query)
	return Count{Total: p.TotalCount, Requests: p.Requests}, err
}
