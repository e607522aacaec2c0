package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
)

const orderID = "3f2a6f9e-2d6b-4d53-9f1e-0c9a6c1f7a11"

// documentServer is a Polar of one order, and the store that its links lead to.
func documentServer(t *testing.T, order string) string {
	t.Helper()
	var files *httptest.Server
	mux := http.NewServeMux()
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			if _, err := w.Write([]byte(body)); err != nil {
				t.Error(err)
			}
		}
	}
	link := func(w http.ResponseWriter, r *http.Request) {
		say(http.StatusOK, `{"url":"`+files.URL+`/file.pdf?signature=secret"}`)(w, r)
	}
	mux.HandleFunc("GET /v1/orders/"+orderID, say(http.StatusOK, order))
	mux.HandleFunc("GET /v1/orders/"+orderID+"/invoice", link)
	mux.HandleFunc("GET /v1/orders/"+orderID+"/receipt", link)
	mux.HandleFunc("GET /file.pdf", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the file store was sent the token")
		}
		if _, err := w.Write([]byte("%PDF-1.7 of " + orderID)); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/", say(http.StatusNotFound, `{"error":"ResourceNotFound","detail":"Not found"}`))
	files = httptest.NewServer(mux)
	t.Cleanup(files.Close)
	return files.URL
}

// program runs syncd and demands its exit code.
func program(t *testing.T, environ map[string]string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, args, environ, &out, &errs); code != want {
		t.Errorf("%q: exit code %d, want %d: %s", args, code, want, errs.String())
	}
	if strings.Contains(errs.String(), "signature") {
		t.Errorf("%q shows the link: %s", args, errs.String())
	}
	return out.String(), errs.String()
}

func TestDocumentToAFile(t *testing.T) {
	slowtest.Mark(t)
	dir := t.TempDir()
	t.Chdir(dir)
	environ := map[string]string{
		"SYNCD_DATABASE_URL": pgtest.Empty(t), "POLAR_ACCESS_TOKEN": simulatedToken, "SYNCD_LOG_LEVEL": "debug",
		"POLAR_SERVER": documentServer(t, `{"id":"`+orderID+`","invoice_number":"ACME/2026 1","is_invoice_generated":true,"receipt_number":"../R-1"}`),
	}
	content := func(path, want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
	const file = "%PDF-1.7 of " + orderID
	if _, stderr := program(t, environ, exitFailed, "invoice", orderID); !strings.Contains(stderr, "syncd migrate up") {
		t.Errorf("before the first migration: %s", stderr)
	}
	program(t, environ, exitComplete, "migrate", "up")
	if stdout, _ := program(t, environ, exitComplete, "invoice", orderID); !strings.Contains(stdout, "invoice-ACME_2026_1.pdf, 48 bytes") {
		t.Errorf("%q", stdout)
	}
	content("invoice-ACME_2026_1.pdf", file)
	program(t, environ, exitComplete, "receipt", orderID)
	content("receipt-___R-1.pdf", file)
	if info, err := os.Stat("receipt-___R-1.pdf"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if stdout, _ := program(t, environ, exitComplete, "invoice", orderID, "-o", "-"); stdout != file {
		t.Errorf("to the standard output: %q", stdout)
	}

	// Nothing is overwritten, unless that is wanted.
	for _, args := range [][]string{{"receipt", orderID}, {"invoice", orderID, "-o", "mine.pdf"}} {
		if err := os.WriteFile("mine.pdf", []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr := program(t, environ, exitUsage, args...); !strings.Contains(stderr, "--force") {
			t.Errorf("%q", stderr)
		}
	}
	content("mine.pdf", "mine")
	program(t, environ, exitComplete, "invoice", orderID, "-o", "mine.pdf", "--force")
	content("mine.pdf", file)
	program(t, environ, exitUsage, "invoice", orderID, "-o", filepath.Join("missing", "x.pdf"))
	program(t, environ, exitUsage, "invoice", orderID, "-o", dir)

	if _, stderr := program(t, environ, exitFailed, "invoice", "00000000-0000-4000-8000-000000000000"); !strings.Contains(stderr, "does not exist") {
		t.Errorf("%q", stderr)
	}
	if _, stderr := program(t, environ, exitFailed, "receipt", "A-1"); !strings.Contains(stderr, "sync orders") {
		t.Errorf("%q", stderr)
	}
	environ["POLAR_SERVER"] = documentServer(t, `{"id":"`+orderID+`","invoice_number":"1","is_invoice_generated":false,"receipt_number":null}`)
	for _, kind := range []string{"invoice", "receipt"} {
		program(t, environ, exitPartial, kind, orderID, "-o", "none.pdf")
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
