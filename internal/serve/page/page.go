package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/status"
)

const (
	every       = 5               // seconds after which a browser asks again
	kept        = time.Second     // how long a report is shown before it is read again
	readTimeout = 8 * time.Second // less than what a browser's request may take
)

var (
	//go:embed page.html
	document string
	//go:embed page.css
	style string
)

// The documents are parsed when the first one is drawn, and once: a process may have a page for each of a thousand organizations.
var (
	pageTemplate  = sync.OnceValue(func() *template.Template { return parse("page", document) })
	fleetTemplate = sync.OnceValue(func() *template.Template { return parse("fleet", fleetDocument) })
)

func parse(name, document string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{
		"count": humanize.Count[int64],
		"stamp": func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"utc":   func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(document))
}

// Page serves the page.
type Page struct {
	read    func(context.Context) (status.Report, error)
	version string
	log     *slog.Logger

	mu     sync.Mutex
	readAt time.Time
	report status.Report
	err    error
}

// New makes a page of what read returns; version is that of the program.
func New(read func(context.Context) (status.Report, error), version string, log *slog.Logger) *Page {
	return &Page{read: read, version: version, log: log}
}

// ServeHTTP writes the page; with ?refresh=off one that the browser does not ask for again.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report, err := p.latest(r.Context())
	v := newView(report, err)
	v.Program, v.CSS, v.Every = p.version, template.CSS(style), every
	v.Refreshing = r.URL.Query().Get("refresh") != "off"
	var body bytes.Buffer
	if err := pageTemplate().Execute(&body, v); err != nil {
		p.log.Error("the page cannot be drawn", "error", err)
		http.Error(w, "the page cannot be drawn; /status has the same as JSON", http.StatusInternalServerError)
		return
	}
	write(w, p.log, body.Bytes(), v.Refreshing, v.Error)
}

// policy is what the browser may load: the style inside the page, and nothing else.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// write answers with a document.
func write(w http.ResponseWriter, log *slog.Logger, body []byte, refreshing, failed bool) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if refreshing {
		h.Set("Refresh", strconv.Itoa(every))
	}
	if failed {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if _, err := w.Write(body); err != nil {
		log.Debug("the client did not read the whole answer", "error", err)
	}
}

// latest returns a report that is at most a second old. The next caller gets it too, so it must not fail because this caller
// hangs up.
func (p *Page) latest(ctx context.Context) (status.Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readAt.IsZero() || time.Since(p.readAt) >= kept {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		if p.report, p.err = p.read(ctx); p.err != nil {
			p.log.Warn("the status could not be read", "error", p.err)
		}
		p.readAt = time.Now()
	}
	return p.report, p.err
}
