package polarsim

import (
	"net/url"
	"sync"
)

// metricsTTL is how long Polar keeps an answer (METRICS_CACHE_TTL_SECONDS in polarsource/polar, server/polar/metrics/cache.py).
const metricsTTL = 60 * second

// metricsKept bounds the answers kept at a time.
const metricsKept = 64

// metricsCache keeps answers of GET /v1/metrics/ for a minute of simulated time, or until the world changes.
type metricsCache struct {
	mu      sync.Mutex
	version uint64
	answers map[string]metricsEntry
}

type metricsEntry struct {
	body []byte
	made Time
}

func (c *metricsCache) get(key string, version uint64, now Time) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.answers[key]
	if !ok || c.version != version || now-e.made >= metricsTTL {
		return nil, false
	}
	return e.body, true
}

func (c *metricsCache) put(key string, version uint64, now Time, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version || len(c.answers) >= metricsKept || c.answers == nil {
		c.version, c.answers = version, map[string]metricsEntry{}
	}
	c.answers[key] = metricsEntry{body, now}
}

// metrics answers GET /v1/metrics/ with a JSON body; nil where there are problems with the query.
func (w *World) metrics(cache *metricsCache, values url.Values, p *problems) []byte {
	q := parseMetricsQuery(values, p)
	if len(p.list) > 0 {
		return nil
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	key := q.key()
	if body, ok := cache.get(key, w.version, w.now); ok {
		return body
	}
	computed, defs := q.compute(w, w.metricFilter(&q))
	body := appendMetrics(nil, computed, defs)
	cache.put(key, w.version, w.now, body)
	return body
}

// metricFilter turns the ids of a query into row numbers; w.mu is held.
func (w *World) metricFilter(q *metricsQuery) *metricFilter {
	f := &metricFilter{}
	if q.organizations != nil {
		f.nothing = true
		for _, id := range q.organizations {
			if id == w.id(KindOrganization, 0) {
				f.nothing = false
			}
		}
	}
	if q.customers != nil {
		f.customers = w.chosen(KindCustomer, q.customers, len(w.customers))
	}
	if q.products != nil {
		f.products = w.chosen(KindProduct, q.products, len(w.products))
	}
	if q.billing != nil {
		allowed := make([]bool, len(w.products))
		for i := range w.products {
			for _, b := range q.billing {
				if (b == "recurring") == w.products[i].Recurring() && (f.products == nil || f.products[i]) {
					allowed[i] = true
				}
			}
		}
		f.products = allowed
	}
	return f
}

// chosen marks the rows that ids name, of n.
func (w *World) chosen(kind Kind, ids []ID, n int) []bool {
	rows := make([]bool, n)
	for _, id := range ids {
		if i, ok := w.keys.number(kind, id); ok && i < n {
			rows[i] = true
		}
	}
	return rows
}
