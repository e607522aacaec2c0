// Package manyevents is the list of very many events of a simulated Polar.
package manyevents

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
)

// List is a list of events that are computed as they are asked for: one after the other, at the same distance, over a year. What else
// is asked goes to a simulated Polar.
type List struct {
	N            int
	Begin        time.Time
	Organization string // whose they are
	Other        http.Handler
	Passed       func() // is called before each tenth of them is asked for

	mu     sync.Mutex
	tenths int // that have been asked for
}

const (
	Period    = 365 * 24 * time.Hour // between the first and the last
	Customers = 5000
)

// spread is a number as others are not: ids are as random as Polar's.
func spread(n uint64) uint64 {
	n ^= n >> 30
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 27
	n *= 0x94d049bb133111eb
	return n ^ n>>31
}

// Customer is the id of one of the customers.
func Customer(n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], spread(uint64(n)+1<<40))
	id[6], id[8] = 0x40, 0x80
	return id
}

// apart is the time between two of them.
func (m *List) apart() time.Duration { return Period / time.Duration(m.N) }

func (m *List) event(b []byte, i int) []byte {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], spread(uint64(i)+1))
	binary.BigEndian.PutUint64(id[8:], spread(uint64(i)+1<<32))
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Appendf(b, `{"id":"%s","timestamp":"%s","organization_id":"%s","name":"request","label":"request","source":"user","customer_id":"%s","customer":null,`+
		`"external_customer_id":"user_%d","member_id":null,"external_member_id":null,"parent_id":null,"child_count":0,`+
		`"metadata":{"model":"large-%d","route":"/v1/answers/%d","tokens":%d,"_cost":{"amount":"0.%06d","currency":"usd"}}}`,
		id, m.Begin.Add(time.Duration(i)*m.apart()).Format("2006-01-02T15:04:05.000000Z"), m.Organization, Customer(i%Customers), i%Customers, i%7, i%90, i%4000, i%1000000)
}

// index is how many events are before a time.
func (m *List) index(at time.Time) int {
	return int(min(max((at.Sub(m.Begin)+m.apart()-1)/m.apart(), 0), time.Duration(m.N)))
}

func (m *List) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/v1/events/" || q.Get("sorting") != "timestamp" {
		m.Other.ServeHTTP(w, r)
		return
	}
	from, until := 0, m.N
	if at, err := time.Parse(time.RFC3339, q.Get("start_timestamp")); err == nil {
		from = m.index(at.Add(1))
	}
	if at, err := time.Parse(time.RFC3339, q.Get("end_timestamp")); err == nil {
		until = max(from, m.index(at))
	}
	limit, page := 100, 1
	_, _ = fmt.Sscan(q.Get("limit"), &limit)
	_, _ = fmt.Sscan(q.Get("page"), &page)
	m.mu.Lock()
	for limit == 100 && m.tenths < 10 && from >= m.N*m.tenths/10 {
		m.Passed()
		m.tenths++
	}
	m.mu.Unlock()
	total := until - from
	first := min(from+limit*(page-1), until)
	b := []byte(`{"items":[`)
	for i := first; i < min(first+limit, until); i++ {
		if i > first {
			b = append(b, ',')
		}
		b = m.event(b, i)
	}
	b = fmt.Appendf(b, `],"pagination":{"total_count":%d,"max_page":%d}}`, total, (total+limit-1)/limit)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}
