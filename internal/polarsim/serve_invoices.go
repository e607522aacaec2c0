package polarsim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rendering is a receipt that is being made: since when, and how often it was requested.
type rendering struct {
	since Time
	asked int
}

func (c *call) getInvoice() {
	n, ok := c.id("id", KindOrder, len(c.w.orders))
	if !ok {
		return
	}
	if !c.w.orders[n].InvoiceGenerated {
		c.refuse(http.StatusNotFound, "InvoiceDoesNotExist", "No invoice exists for order "+c.w.id(KindOrder, int(n)).String()+".")
		return
	}
	c.presigned("invoices", n)
}

// getReceipt answers 202 with an empty body while the receipt is rendered, which the first request for it starts
// (polarsource/polar, server/polar/receipt/service.py). It is ready for the next request, or as a fault says.
func (c *call) getReceipt() {
	n, ok := c.id("id", KindOrder, len(c.w.orders))
	if !ok {
		return
	}
	if !c.w.orders[n].Receipt {
		c.refuse(http.StatusNotFound, "ReceiptNotAllocated", "No receipt allocated for order "+c.w.id(KindOrder, int(n)).String()+".")
		return
	}
	requests, wait := 1, Time(0)
	for _, h := range c.hits {
		if h.Kind == "rendering" {
			requests, _ = strconv.Atoi(h.Value) // no number: the time alone counts
			wait = Time(h.For.Microseconds())
		}
	}
	c.mu.Lock()
	r := c.receipts[n]
	if r == nil {
		r = &rendering{since: c.w.now}
		c.receipts[n] = r
	}
	ready := r.asked > 0 && r.asked >= requests && c.w.now-r.since >= wait
	r.asked++
	c.mu.Unlock()
	if !ready {
		c.status = http.StatusAccepted
		return
	}
	c.presigned("receipts", n)
}

// linkLife is how long a presigned link is valid.
const linkLife = 10 * minute

// presigned answers with a link to a file, on this server, that needs no token and is valid for ten minutes of the simulated clock.
func (c *call) presigned(folder string, n Ref) {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	path := filesPrefix + folder + "/" + c.w.id(KindOrder, int(n)).String() + ".pdf"
	date := strconv.FormatInt(int64(c.w.now), 10)
	var o object
	o.open()
	o.str("url", scheme+"://"+c.r.Host+path+"?X-Amz-Expires=600&X-Amz-Date="+date+"&X-Amz-Signature="+c.w.signature(path, date))
	o.close()
	c.json(http.StatusOK, o.b)
}

const filesPrefix = "/sim/files/"

// signature is the secret of a link. It proves that the simulator made the link, and no more.
func (w *World) signature(path, date string) string {
	h := w.seed
	for _, b := range []byte(path + "?" + date) {
		h = mix(h ^ uint64(b))
	}
	text := fmt.Sprintf("%016x%016x", h, mix(h))
	if w.opts.Canaries {
		text = "canary" + text
	}
	return text
}

// file answers as a store of files does: what the link names, 403 where it is wrong or too old, 400 where a token comes along, which S3 refuses
// beside a signature.
func (s *Server) file(rw http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, text string) {
		rw.Header().Set("Content-Type", "application/xml")
		rw.WriteHeader(status)
		if _, err := fmt.Fprintf(rw, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, text); err != nil {
			s.opts.Log.Debug("refusal of a file not sent", "error", err)
		}
	}
	date := r.URL.Query().Get("X-Amz-Date")
	made, err := strconv.ParseInt(date, 10, 64)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	case r.Header.Get("Authorization") != "":
		refuse(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
	case err != nil || r.URL.Query().Get("X-Amz-Signature") != s.world.signature(r.URL.Path, date):
		refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	case s.world.Now().Sub(Time(made).GoTime()) > time.Duration(linkLife)*time.Microsecond:
		refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
	default:
		rw.Header().Set("Content-Type", "application/pdf")
		title := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, filesPrefix), ".pdf")
		if _, err := rw.Write(pdf(title)); err != nil {
			s.opts.Log.Debug("file not sent", "error", err)
		}
	}
}

// pdf is a document of one page with one line of text (ISO 32000-1, 7.5: header, objects, cross-reference table, trailer).
func pdf(text string) []byte {
	text = strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(text)
	content := "BT /F1 12 Tf 40 780 Td (" + text + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
		"<< /Length " + strconv.Itoa(len(content)) + " >>\nstream\n" + content + "\nendstream",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	b := []byte("%PDF-1.4\n")
	table := fmt.Appendf(nil, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		table = fmt.Appendf(table, "%010d 00000 n \n", len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := len(b)
	b = append(b, table...)
	return fmt.Appendf(b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
}
