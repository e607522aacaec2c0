package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// manyEvents is a list of events that are computed as they are asked for: one after the other, at the same distance, over a year. What else
// is asked goes to a simulated Polar.
type manyEvents struct {
	n     int
	begin time.Time
	apart time.Duration
	other http.Handler

	mu     sync.Mutex
	tenths int // that have been asked for
	passed func(tenth int)
}

const (
	eventsPeriod    = 365 * 24 * time.Hour
	eventsCustomers = 5000
)

// spread is a number as others are not: ids are as random as Polar's.
func spread(n uint64) uint64 {
	n ^= n >> 30
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 27
	n *= 0x94d049bb133111eb
	return n ^ n>>31
}

func eventsCustomer(n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], spread(uint64(n)+1<<40))
	id[6], id[8] = 0x40, 0x80
	return id
}

func (m *manyEvents) event(b []byte, i int) []byte {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], spread(uint64(i)+1))
	binary.BigEndian.PutUint64(id[8:], spread(uint64(i)+1<<32))
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Appendf(b, `{"id":"%s","timestamp":"%s","organization_id":"%s","name":"request","label":"request","source":"user","customer_id":"%s","customer":null,`+
		`"external_customer_id":"user_%d","member_id":null,"external_member_id":null,"parent_id":null,"child_count":0,`+
		`"metadata":{"model":"large-%d","route":"/v1/answers/%d","tokens":%d,"_cost":{"amount":"0.%06d","currency":"usd"}}}`,
		id, m.begin.Add(time.Duration(i)*m.apart).Format("2006-01-02T15:04:05.000000Z"), benchOrganization, eventsCustomer(i%eventsCustomers), i%eventsCustomers, i%7, i%90, i%4000, i%1000000)
}

// benchOrganization is that of a simulated Polar with the seed 1, once it has been asked for.
var benchOrganization string

// index is how many events are before a time.
func (m *manyEvents) index(at time.Time) int {
	return int(min(max((at.Sub(m.begin)+m.apart-1)/m.apart, 0), time.Duration(m.n)))
}

func (m *manyEvents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/v1/events/" || q.Get("sorting") != "timestamp" {
		m.other.ServeHTTP(w, r)
		return
	}
	from, until := 0, m.n
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
	for limit == 100 && m.tenths < 10 && from >= m.n*m.tenths/10 {
		m.passed(m.tenths)
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

// stand is what had been spent at a moment.
type stand struct {
	syncd, postgres time.Duration
	resident        float64 // of syncd, MB
}

// events syncs very many events, with all other streams off, and measures for each tenth of them what a page costs. Then it asks for those
// of a customer.
func (b *bench) events(ctx context.Context, p plan) (err error) {
	polar, err := startPolar(ctx, "--orders", "100")
	if err != nil {
		return err
	}
	defer polar.stop()
	behind, err := url.Parse(polar.url)
	if err != nil {
		return err
	}
	_, dsn, err := b.database(ctx, "")
	if err != nil {
		return err
	}
	if _, err := polar.syncd(ctx, dsn, "sync", "organizations"); err != nil {
		return err
	}
	if benchOrganization, err = scalar[string](ctx, dsn, "SELECT id::text FROM organizations"); err != nil {
		return err
	}
	server, err := scalar[string](ctx, b.pg.DSN(), `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)`)
	if err != nil {
		return err
	}
	now, err := polar.now(ctx)
	if err != nil {
		return err
	}
	list := &manyEvents{n: p.events, begin: now.Add(-eventsPeriod), apart: eventsPeriod / time.Duration(p.events), other: httputil.NewSingleHostReverseProxy(behind)}
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: list, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- web.Serve(listen) }()
	defer func() {
		if closed := errors.Join(web.Close(), <-done); !errors.Is(closed, http.ErrServerClosed) {
			err = errors.Join(err, closed)
		}
	}()
	cmd := exec.CommandContext(ctx, syncd, "sync", "events")
	cmd.Env = append(os.Environ(), append(polar.environ(dsn), "POLAR_SERVER=http://"+listen.Addr().String(), "SYNCD_EVENTS_RETENTION=all")...)
	var stands []stand
	var failed error
	look := func() {
		now, err := lookAt(cmd.Process.Pid, server)
		stands, failed = append(stands, now), errors.Join(failed, err)
	}
	list.passed = func(int) { look() }
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	peak := watchPeak(cmd.Process.Pid)
	err = cmd.Wait()
	took, most := time.Since(began), peak()
	if err != nil {
		return fmt.Errorf("syncd sync events: %w\n%s", err, out.String())
	}
	if failed != nil {
		return failed
	}
	return errors.Join(b.tellEvents(p.events, took, most, stands), b.readEvents(ctx, dsn, p.events))
}

// tellEvents adds the figures. The last tenth is not told apart from what comes after it, so there are nine.
func (b *bench) tellEvents(n int, took time.Duration, peak float64, stands []stand) error {
	if len(stands) != 10 {
		return fmt.Errorf("%d tenths were seen, want 10", len(stands))
	}
	pages := float64(n) / 10 / 100
	var syncd, postgres []float64
	for i := range 9 {
		syncd = append(syncd, float64((stands[i+1].syncd-stands[i].syncd).Microseconds())/1000/pages)
		postgres = append(postgres, float64((stands[i+1].postgres-stands[i].postgres).Microseconds())/1000/pages)
	}
	for i := range syncd {
		fmt.Fprintf(os.Stderr, "        tenth %d: syncd %.2f ms a page, Postgres %.2f ms a page, %.0f MB\n", i+1, syncd[i], postgres[i], stands[i+1].resident)
	}
	// The first tenth warms up: it makes connections and plans.
	both := func(from, to int) (sum float64) {
		for i := from; i < to; i++ {
			sum += syncd[i] + postgres[i]
		}
		return sum / float64(to-from)
	}
	label := func(what string) string { return fmt.Sprintf("%s, %d events", what, n) }
	b.table.add(label("first sync"), "events/s", nil, float64(n)/took.Seconds())
	b.table.add(label("processor time of syncd, by tenths"), "ms/page", nil, syncd...)
	b.table.add(label("processor time of Postgres, by tenths"), "ms/page", nil, postgres...)
	b.table.add(label("processor time of a page, last third / second third"), "ratio", atMost(1.15), both(6, 9)/both(3, 6))
	b.table.add(label("peak memory"), "MB", atMost(100), peak)
	b.table.add(label("memory, ninth tenth / second tenth"), "ratio", atMost(1.2), stands[9].resident/stands[2].resident)
	return nil
}

// readEvents asks for the events of a customer since some days ago.
func (b *bench) readEvents(ctx context.Context, dsn string, n int) error {
	return session(ctx, dsn, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE events"); err != nil {
			return err
		}
		return b.timed(ctx, conn, fmt.Sprintf("events of a customer in the last 30 days, %d events", n),
			"SELECT count(*)::text FROM events WHERE customer_id = $1::text::uuid AND timestamp >= (SELECT max(timestamp) FROM events) - interval '30 days'",
			func() string { return eventsCustomer(rand.IntN(eventsCustomers)).String() })
	})
}

// lookAt reads what syncd and all processes of the server have spent, as the kernel counts it.
func lookAt(syncd int, server string) (s stand, err error) {
	if s.syncd, _, err = processTime(strconv.Itoa(syncd)); err != nil {
		return s, err
	}
	own, ended, err := processTime(server)
	if err != nil {
		return s, err
	}
	s.postgres = own + ended
	children, err := os.ReadFile("/proc/" + server + "/task/" + server + "/children")
	if err != nil {
		return s, err
	}
	for pid := range strings.FieldsSeq(string(children)) {
		if spent, _, err := processTime(pid); err == nil { // else it has ended, and its parent has it
			s.postgres += spent
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", syncd))
	if _, after, ok := strings.Cut(string(status), "VmRSS:"); ok && err == nil {
		kb, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
		s.resident = kb / 1024
		return s, err
	}
	return s, err
}

// now is the time of a simulated Polar.
func (p *polar) now(ctx context.Context) (at time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.url+"/v1/events/", http.NoBody)
	if err != nil {
		return at, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return at, err
	}
	if err := resp.Body.Close(); err != nil {
		return at, err
	}
	return http.ParseTime(resp.Header.Get("Date"))
}
