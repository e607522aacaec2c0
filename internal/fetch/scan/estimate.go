package scan

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Estimate is what one pass of a scan over its list costs, if nothing changes meanwhile and no request has to be repeated.
type Estimate struct {
	Rows     int // rows by Polar's count; -1 where it does not count them
	Requests int // that the scan sends, and the count of the list at its end where a sweep needs one (Counter)
	Probes   int // requests that the estimate itself took, also with an error
}

// Estimator is a Scan that can estimate its cost. It asks Polar for counts, with pages of one row, and for whatever else the
// number of its requests depends on. It does not read the rows.
//
// A scan without it is taken to cost one request for every 100 rows of its list. A new scan whose requests depend on something
// else has this method beside its Pages, so `syncd plan` needs to know no kind of scan.
type Estimator interface {
	Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error)
}

// EstimateCost estimates any scan: by its own method, or as a plain list with pages.
func EstimateCost(ctx context.Context, c *fetch.Client, scan Scan, path string, query url.Values) (Estimate, error) {
	if e, ok := scan.(Estimator); ok {
		return e.Estimate(ctx, c, path, query)
	}
	return Offset{}.Estimate(ctx, c, path, query)
}

// pageSize is how many rows fill a page where so many are asked for: the server gives at most MaxLimit, also where nobody asks.
func pageSize(limit int) int { return min(cmp.Or(limit, lists.MaxLimit), lists.MaxLimit) }

// pages is how many pages this many rows fill. An empty list takes one request, too.
func pages(rows, limit int) int {
	limit = pageSize(limit)
	return max(1, (rows+limit-1)/limit)
}

// numbered is how many requests a list of this many rows takes that is read by page number. A full last page is not the end.
func numbered(rows, limit int) int { return pages(rows+1, limit) }

// Estimate implements Estimator. It counts the parts of an Each one by one: the cost depends on how rows spread over them.
func (o Offset) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: numbered(n.Total, o.Limit), Probes: n.Requests}
	if err != nil || o.Each == nil {
		return e, err
	}
	ids, requests, err := o.Each.ids(ctx, c)
	e.Probes += requests
	if err != nil {
		return e, err
	}
	// The scan reads the other list once. The count at its end reads it again, and counts each part again.
	e.Requests += 2*requests + 1 + len(ids)
	for _, id := range ids {
		part, err := count(ctx, c, path, lists.WithParameter(query, o.Each.Param, id))
		e.Probes += part.Requests
		if err != nil {
			return e, err
		}
		e.Rows += part.Total
		e.Requests += numbered(part.Total, o.Limit)
	}
	return e, nil
}

// Estimate implements Estimator. Each page but the first begins with a row of the previous one,
// and the last one has room left.
func (k Keyset) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: 1, Probes: n.Requests}
	if limit := pageSize(k.Limit); n.Total >= limit && limit > 1 {
		e.Requests += (n.Total-limit)/(limit-1) + 2 // the count at the end: only the first page has it
	}
	return e, err
}

// Estimate implements Estimator. It requests the list, as there is no smaller question.
func (Array) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	e := Estimate{Rows: -1, Requests: 1}
	for p, err := range (Array{}).Pages(ctx, c, path, query, Cursor{}) {
		e.Probes += p.Requests
		if err != nil {
			return e, err
		}
		e.Rows = len(p.Items)
	}
	return e, nil
}

// Estimate implements Estimator. How many metrics a period has is known only after reading.
func (m Metrics) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	windows, requests, err := m.windows(ctx, c, path, query)
	return Estimate{Rows: -1, Requests: requests + len(windows), Probes: requests}, err
}

// Estimate implements Estimator: the file, and the count of the list before and after.
func (e Export) Estimate(ctx context.Context, c *fetch.Client, _ string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, e.Of, query)
	return Estimate{Rows: n.Total, Requests: 3, Probes: n.Requests}, err
}

// Estimate implements Estimator. It requests no file.
func (m MetricsExport) Estimate(ctx context.Context, c *fetch.Client, _ string, query url.Values) (Estimate, error) {
	return m.Metrics.Estimate(ctx, c, m.Of, query)
}

// Estimate implements Estimator: one request for each parent. It sends nothing.
func (n Nested) Estimate(ctx context.Context, _ *fetch.Client, _ string, _ url.Values) (Estimate, error) {
	e := Estimate{Rows: -1}
	for _, parents := range n.Parents {
		for last := ""; ; {
			ids, err := parents.After(ctx, last)
			if err != nil {
				return e, err
			}
			if len(ids) == 0 {
				break
			}
			e.Requests += len(ids)
			last = ids[len(ids)-1]
		}
	}
	return e, nil
}

// Estimate implements Estimator. Each page but the first begins with rows of the previous one, about two or three of them where
// events are not dense.
func (w Windows) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	if since := w.OldestKept(c); !since.IsZero() {
		query = lists.WithParameter(query, w.After, since.Add(-windowMargin).Format(time.RFC3339))
	}
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: 1, Probes: n.Requests}
	if limit := pageSize(w.Limit); n.Total >= limit {
		const again = 3
		e.Requests += 1 + pages(n.Total-limit, max(1, limit-again)) // the last one counts what is dated back
	}
	return e, err
}
