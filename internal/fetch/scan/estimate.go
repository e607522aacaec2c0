package scan

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lists"
)

// Estimate is what one pass of a scan over its list will cost, if nothing changes meanwhile and no answer has to be
// asked for twice.
type Estimate struct {
	Rows     int // that there are by Polar's count; -1 where it does not count them
	Requests int // that the scan sends, and the count of the list at its end, where a sweep has to ask for that (Counter)
	Probes   int // requests that the estimate itself took, also beside an error
}

// Estimator is a Scan that can tell beforehand what it will cost. It asks Polar for counts, with pages of one row, and for
// whatever else the number of its requests follows from; what it brings in rows it does not read.
//
// A scan without it is taken to cost one request for every 100 rows of its list. A new scan whose requests follow from
// something else has this method beside its Pages, so that `syncd plan` needs to know of no kind of scan.
type Estimator interface {
	Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error)
}

// EstimateScan estimates any scan: by its own method, or as a plain list with pages.
func EstimateScan(ctx context.Context, c *fetch.Client, scan Scan, path string, query url.Values) (Estimate, error) {
	if e, ok := scan.(Estimator); ok {
		return e.Estimate(ctx, c, path, query)
	}
	return Offset{}.Estimate(ctx, c, path, query)
}

// pages is how many pages so many rows fill. An empty list is asked for as well.
func pages(rows, limit int) int {
	limit = min(cmp.Or(limit, lists.MaxLimit), lists.MaxLimit)
	return max(1, (rows+limit-1)/limit)
}

// Estimate implements Estimator. The parts of an Each are counted one by one: how rows are spread over them decides.
func (o Offset) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: pages(n.Total, o.Limit), Probes: n.Requests}
	if err != nil || o.Each == nil {
		return e, err
	}
	ids, requests, err := o.Each.ids(ctx, c)
	e.Probes += requests
	if err != nil {
		return e, err
	}
	// The scan reads the other list once, and so does the count at its end, which asks for each part again.
	e.Requests += 2*requests + 1 + len(ids)
	for _, id := range ids {
		part, err := count(ctx, c, path, lists.WithParameter(query, o.Each.Param, id))
		e.Probes += part.Requests
		if err != nil {
			return e, err
		}
		e.Rows += part.Total
		e.Requests += pages(part.Total, o.Limit)
	}
	return e, nil
}

// Estimate implements Estimator. Each page but the first begins with a row of the one before.
func (k Keyset) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: 1, Probes: n.Requests}
	if limit := min(cmp.Or(k.Limit, lists.MaxLimit), lists.MaxLimit); n.Total > limit && limit > 1 {
		e.Requests += pages(n.Total-limit, limit-1) + 1 // which no page but the first counts
	}
	return e, err
}

// Estimate implements Estimator. The list is asked for, as there is no smaller question.
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

// Estimate implements Estimator. How many metrics there are in each period only reading tells.
func (m Metrics) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	windows, requests, err := m.windows(ctx, c, path, query)
	return Estimate{Rows: -1, Requests: requests + len(windows), Probes: requests}, err
}

// Estimate implements Estimator: the file, and the count of the list before and after.
func (e Export) Estimate(ctx context.Context, c *fetch.Client, _ string, query url.Values) (Estimate, error) {
	n, err := count(ctx, c, e.Of, query)
	return Estimate{Rows: n.Total, Requests: 3, Probes: n.Requests}, err
}

// Estimate implements Estimator. It asks for no file.
func (m MetricsExport) Estimate(ctx context.Context, c *fetch.Client, _ string, query url.Values) (Estimate, error) {
	return m.Metrics.Estimate(ctx, c, m.Of, query)
}

// Estimate implements Estimator: one request for each parent. It asks nothing.
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

// Estimate implements Estimator. Each page but the first begins with rows of the one before, some two or three of them
// where events do not come thick and fast.
func (w Windows) Estimate(ctx context.Context, c *fetch.Client, path string, query url.Values) (Estimate, error) {
	if since := w.OldestKept(c); !since.IsZero() {
		query = lists.WithParameter(query, w.After, since.Add(-windowMargin).Format(time.RFC3339))
	}
	n, err := count(ctx, c, path, query)
	e := Estimate{Rows: n.Total, Requests: 1, Probes: n.Requests}
	if limit := min(cmp.Or(w.Limit, lists.MaxLimit), lists.MaxLimit); n.Total > limit {
		const again = 3
		e.Requests += pages(n.Total-limit, max(1, limit-again))
	}
	return e, err
}
