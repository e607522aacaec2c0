package scan

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/fetchtest/inprocess"
	"syncd/internal/fetch/lists"
	"syncd/internal/fetch/scan/sheet"
)

// ordersFile is a fake orders export with the list that counts its rows.
type ordersFile struct {
	body    string
	total   func(asked int) int // by how often it was asked
	columns bool                // whether the parameter is known
	counts  atomic.Int32
	exports atomic.Int32
	serve   func(w http.ResponseWriter) // instead of body
}

func (f *ordersFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/orders/" {
		n := f.total(int(f.counts.Add(1)))
		inprocess.Reply(w, http.StatusOK, "application/json", fmt.Sprintf(`{"items":[],"pagination":{"total_count":%d,"max_page":%d}}`, n, n))
		return
	}
	f.exports.Add(1)
	if r.URL.Query().Has("columns") && !f.columns {
		inprocess.Reply(w, http.StatusUnprocessableEntity, "application/json", `{"error":"RequestValidationError","detail":[]}`)
		return
	}
	if f.serve != nil {
		f.serve(w)
		return
	}
	inprocess.Reply(w, http.StatusOK, "text/csv; charset=utf-8", f.body)
}

func always(n int) func(int) int { return func(int) int { return n } }

func ordersExport() Export {
	return Export{Of: "/v1/orders/", Choose: []string{"email", "total_amount"}, Order: "created_at",
		Key: [][]string{{"invoice_number"}, {"created_at", "email"}},
		Columns: []sheet.Column{
			{Name: "email", Headers: []string{"Email"}}, {Name: "created_at", Headers: []string{"Created At"}, Kind: sheet.Time},
			{Name: "net_amount", Headers: []string{"Net Amount", "Amount"}, Kind: sheet.Money}, {Name: "currency", Headers: []string{"Currency"}},
			{Name: "invoice_number", Headers: []string{"Invoice number"}}, {Name: "tax_id", Headers: []string{"Tax ID"}, Kind: sheet.Pair},
			{Name: "paid", Headers: []string{"Paid"}, Kind: sheet.Bool}, {Name: "metadata", Headers: []string{"Metadata"}, Kind: sheet.JSON},
		}}
}

// export reads all pages of an export.
func readExport(c *fetch.Client, e Export) (items []jsontext.Value, last Page, err error) {
	for p, err := range e.Pages(background(), c, "/v1/orders/export", nil, Cursor{}) {
		if err != nil {
			return items, p, err
		}
		items, last = append(items, p.Items...), p
	}
	return items, last, nil
}

const exportHead = "Email,Created At,Net Amount,Currency,Invoice number,Tax ID,Paid,Metadata\r\n"

func TestExportItems(t *testing.T) {
	t.Parallel()
	f := &ordersFile{columns: true, total: always(4), body: exportHead +
		"a@x.y,2026-01-02T03:04:05.001200+00:00,19.99,usd,N-1,\"('FR61', <TaxIDFormat.eu_vat: 'eu_vat'>)\",true,\"{\"\"a\"\": 1.10}\"\r\n" +
		"=1+1,2026-01-02T05:04:05+02:00,1e+16,jpy,,nonsense,False,\r\n" +
		"=1+1,2026-01-02T03:04:05+00:00,-0.05,usd,,,,\"two\r\nlines\"\r\n" +
		",2026-01-01T00:00:00+00:00,much,usd,N-2,,maybe,\r\n"}
	items, last, err := readExport(fetchtest.OverNetwork(t, f.ServeHTTP), ordersExport())
	if err != nil || len(items) != 4 || !last.Done || last.Whole != 4 || last.TotalCount != 4 {
		t.Fatalf("%d items, %+v, %v", len(items), last, err)
	}
	for i, want := range []string{
		`"email":"a@x.y","created_at":"2026-01-02T03:04:05.0012Z","net_amount_major":"19.99","net_amount":1999,"currency":"usd","invoice_number":"N-1",` +
			`"tax_id_text":"('FR61', <TaxIDFormat.eu_vat: 'eu_vat'>)","tax_id":["FR61","eu_vat"],"paid":true,"metadata":{"a": 1.10}}`,
		`"email":"=1+1","created_at":"2026-01-02T05:04:05+02:00","net_amount_major":"1e+16","net_amount":1000000000000000000,"currency":"jpy","invoice_number":null,` +
			`"tax_id_text":"nonsense","tax_id":null,"paid":false,"metadata":null}`,
		`"net_amount_major":"-0.05","net_amount":-5,"currency":"usd","invoice_number":null,"tax_id_text":null,"tax_id":null,"paid":null,"metadata":"two\r\nlines"}`,
		`"email":null,"created_at":"2026-01-01T00:00:00Z","net_amount_major":"much","net_amount":"much"`, // for the reader of the item to reject
	} {
		if !strings.Contains(string(items[i]), want) {
			t.Errorf("item %d: %s\nwants %s", i, items[i], want)
		}
	}
	// Equal keys, also where one is written in another zone, are told apart by their place.
	if a, b := lists.ID(items[1]), lists.ID(items[2]); a == b || a == "" || b == "" {
		t.Errorf("ids %q and %q", a, b)
	}
	if n := f.exports.Load(); n != 1 {
		t.Errorf("%d exports", n)
	}
}

// The id of a row depends on its key alone: not on the other columns, their order, or the precision of times.
func TestExportIDsAreStable(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, body := range []string{
		exportHead + "a@x.y,2026-01-02T03:04:05+00:00,19.99,usd,,,,\r\n",
		"Created At,Email,Currency\r\n2026-01-02T04:04:05.000000+01:00,a@x.y,eur\r\n",
	} {
		f := &ordersFile{columns: true, total: always(1), body: body}
		items, _, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport())
		if err != nil || len(items) != 1 {
			t.Fatal(items, err)
		}
		ids[lists.ID(items[0])] = true
	}
	if len(ids) != 1 {
		t.Errorf("ids %v", ids)
	}
}

func TestExportHeaders(t *testing.T) {
	t.Parallel()
	f := &ordersFile{total: always(1), // this server does not know the parameter columns
		body: "Email,Created At,Product,Amount,Currency,Status,Invoice number,email,id,_hash,net_amount\r\na@x.y,2026-01-02T03:04:05+00:00,\"Pro, new\",5.0,usd,paid,N-1,2,3,4,5\r\n"}
	items, _, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport())
	if err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	// The older header is understood; what is not known is kept, and never takes the place of what is.
	for _, want := range []string{`"net_amount":500`, `"Product":"Pro, new"`, `"Status":"paid"`, `"column email":"2"`, `"column id":"3"`, `"column _hash":"4"`, `"column net_amount":"5"`} {
		if !strings.Contains(string(items[0]), want) {
			t.Errorf("no %s in %s", want, items[0])
		}
	}
	if strings.Contains(string(items[0]), "tax_id") {
		t.Errorf("a column that is not there: %s", items[0])
	}
	f.body = "Amount,Currency\r\n1.0,usd\r\n"
	if _, _, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport()); !errors.Is(err, fetch.ErrContract) || !strings.Contains(err.Error(), "identify its rows") {
		t.Errorf("a header without keys: %v", err)
	}
}

// A file that is cut anywhere is refused, also where the cut falls behind a record, and nothing of it is given out.
func TestExportCutShort(t *testing.T) {
	t.Parallel()
	body := exportHead
	const rows = 20
	for i := range rows {
		body += fmt.Sprintf("\"Zoë \"\"%d\"\"\",2026-01-02T03:04:%02d+00:00,%d.5,usd,N-%d,,,\"{\"\"n\"\": %d}\"\r\n", i, 59-i, i, i, i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	cuts := []int{0, 10, len(exportHead), len(body) - 1, strings.LastIndex(body[:len(body)-1], "\n") + 1}
	for range 20 {
		cuts = append(cuts, random.IntN(len(body)))
	}
	for _, at := range cuts {
		f := &ordersFile{columns: true, total: always(rows), body: body[:at]}
		items, p, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport())
		if !errors.Is(err, fetch.ErrTransient) || len(items) > 0 {
			t.Errorf("cut at %d: %d items, %v", at, len(items), err)
		}
		if n := f.exports.Load(); n != 3 || p.Requests != int(n+f.counts.Load()) {
			t.Errorf("cut at %d: %d exports, %d requests told", at, n, p.Requests)
		}
	}
	f := &ordersFile{columns: true, total: always(rows), body: body + "too,few\r\n"}
	if _, _, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport()); !errors.Is(err, fetch.ErrContract) || !strings.Contains(err.Error(), "2 fields where the header has 8") {
		t.Errorf("a record of another width: %v", err)
	}
}

// Rows come and go while the export is made: the lower of the counts before and after holds.
func TestExportCounts(t *testing.T) {
	t.Parallel()
	body := exportHead + strings.Repeat("a,2026-01-02T03:04:05+00:00,1.0,usd,,,,\r\n", 10)
	for name, test := range map[string]struct {
		total   func(asked int) int
		exports int32
		ok      bool
	}{
		"as many":                {always(10), 1, true},
		"more than counted":      {always(8), 1, true},
		"some came meanwhile":    {func(n int) int { return 9 + n }, 1, true},
		"some went meanwhile":    {func(n int) int { return 12 - n }, 1, true},
		"too many at first":      {func(n int) int { return max(10, 13-n) }, 2, true},
		"always too few to them": {always(11), 3, false},
	} {
		f := &ordersFile{columns: true, total: test.total, body: body}
		items, _, err := readExport(fetchtest.InProcess(t, f.ServeHTTP), ordersExport())
		if (err == nil) != test.ok || f.exports.Load() != test.exports || test.ok != (len(items) == 10) {
			t.Errorf("%s: %d items of %d exports, %v", name, len(items), f.exports.Load(), err)
		}
	}
}

// An export takes as long as it takes; only silence ends it.
func TestExportMayTakeLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for pause, ok := range map[time.Duration]bool{4 * time.Minute: true, 6 * time.Minute: false} {
			f := &ordersFile{columns: true, total: always(30)}
			c := fetchtest.InProcess(t, nil, func(cfg *fetch.Config) { cfg.Transport = slowTransport{f, pause} })
			items, _, err := readExport(c, ordersExport())
			if ok != (err == nil) || ok != (len(items) == 30) {
				t.Errorf("%v of silence: %d items, %v", pause, len(items), err)
			}
			if !ok && !strings.Contains(err.Error(), "nothing came for 5m0s") {
				t.Errorf("says %v", err)
			}
		}
	})
}

// slowTransport gives the rows of an export one at a time.
type slowTransport struct {
	file  *ordersFile
	pause time.Duration
}

func (s slowTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := inprocess.To(s.file).RoundTrip(req)
	if err != nil || req.URL.Path == "/v1/orders/" {
		return resp, err
	}
	resp.Header.Set("Content-Type", "text/csv")
	resp.Body = &slowBody{req: req, pause: s.pause, parts: append([]string{exportHead}, strings.Split(strings.Repeat("a,2026-01-02T03:04:05+00:00,1.0,usd,,,,\r\n|", 30), "|")...)}
	return resp, nil
}

type slowBody struct {
	req   *http.Request
	pause time.Duration
	parts []string
}

func (b *slowBody) Close() error { return nil }

func (b *slowBody) Read(p []byte) (int, error) {
	timer := time.NewTimer(b.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.req.Context().Done():
		return 0, b.req.Context().Err()
	}
	if len(b.parts) == 0 || b.parts[0] == "" {
		return 0, io.EOF
	}
	n := copy(p, b.parts[0])
	if b.parts[0] = b.parts[0][n:]; b.parts[0] == "" {
		b.parts = b.parts[1:]
	}
	return n, nil
}

// The file has no name while it is read, and is gone afterwards; that there is no place for it is told as what it is.
func TestExportFile(t *testing.T) {
	t.Parallel()
	f := &ordersFile{columns: true, total: always(1), body: exportHead + "a,2026-01-02T03:04:05+00:00,1.0,usd,,,,\r\n"}
	dir := t.TempDir()
	c := fetchtest.InProcess(t, f.ServeHTTP, func(cfg *fetch.Config) { cfg.ExportDir = dir })
	for _, err := range ordersExport().Pages(background(), c, "/v1/orders/export", nil, Cursor{}) {
		left, e := os.ReadDir(dir)
		if err != nil || e != nil || len(left) > 0 {
			t.Errorf("%v; %v, %v while it is read", err, left, e)
		}
	}
	c = fetchtest.InProcess(t, f.ServeHTTP, func(cfg *fetch.Config) { cfg.ExportDir = dir + "/missing" })
	_, _, err := readExport(c, ordersExport())
	if !errors.Is(err, fetch.ErrLocal) || fetch.Class(err) != fetch.ClassLocal || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("no room: %v", err)
	}
}
