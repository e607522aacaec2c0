package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testSignature = "X-Amz-Signature=verysecret"

// documents is a Polar that links to files, and the store that has them.
type documents struct {
	*Client
	logs  bytes.Buffer
	links int            // handed out
	asked []http.Request // of the store
}

func newDocuments(t *testing.T, store http.HandlerFunc, change ...func(*Config)) *documents {
	t.Helper()
	d := &documents{}
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked = append(d.asked, *r)
		store(w, r)
	}))
	t.Cleanup(files.Close)
	d.Client = overNetwork(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/orders/rendering/receipt":
			w.WriteHeader(http.StatusAccepted)
		case "/v1/orders/none/invoice":
			reply(w, 404, "application/json", `{"error":"InvoiceDoesNotExist","detail":"No invoice exists."}`)
		case "/v1/orders/plain/invoice":
			reply(w, 200, "application/json", `{"url":"http://files.example/x?`+testSignature+`"}`)
		case "/v1/orders/odd/invoice":
			reply(w, 200, "application/json", `{"url":"://?`+testSignature+`"}`)
		case "/v1/orders/nothing/invoice":
			reply(w, 200, "application/json", `{}`)
		case "/v1/orders/nowhere/invoice":
			reply(w, 200, "application/json", `{"url":"http://127.0.0.1:1/x?`+testSignature+`"}`)
		default:
			d.links++
			reply(w, 200, "application/json", fmt.Sprintf(`{"url":"%s/o.pdf?n=%d&%s"}`, files.URL, d.links, testSignature))
		}
	}, append(change, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&d.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})...)
	return d
}

// keepsSecrets demands that neither the link's signature nor the token shows.
func (d *documents) keepsSecrets(t *testing.T, err error) {
	t.Helper()
	if text := fmt.Sprint(d.logs.String(), err); strings.Contains(text, "verysecret") || strings.Contains(text, testToken) {
		t.Errorf("a secret shows in %s", text)
	}
	for _, r := range d.asked {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the file store was sent the token: %v", r.Header)
		}
	}
}

func pdf(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "application/pdf", "%PDF-1.7 x") }

func TestDocument(t *testing.T) {
	t.Parallel()
	d := newDocuments(t, pdf)
	file, err := d.DownloadDocument(background(), "/v1/orders/o/invoice")
	if err != nil || string(file) != "%PDF-1.7 x" || d.links != 1 || d.asked[0].URL.RawQuery != "n=1&"+testSignature {
		t.Errorf("%q, %v, asked %v", file, err, d.asked)
	}
	if d.logs.Len() == 0 {
		t.Error("nothing was logged, so nothing was tested about it")
	}
	d.keepsSecrets(t, err)

	if _, err := d.DownloadDocument(background(), "/v1/orders/rendering/receipt"); !errors.Is(err, ErrRendering) {
		t.Errorf("202: %v", err)
	}
	_, err = d.DownloadDocument(background(), "/v1/orders/none/invoice")
	if failed, is := errors.AsType[*Error](err); !is || failed.Code != "InvoiceDoesNotExist" || errors.Is(err, ErrNotFound) {
		t.Errorf("404: %v", err)
	}
	for path, says := range map[string]string{"plain": "not https", "odd": "no usable link", "nothing": "no usable link"} {
		_, err := d.DownloadDocument(background(), "/v1/orders/"+path+"/invoice")
		if !errors.Is(err, ErrContract) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
		d.keepsSecrets(t, err)
	}
	_, err = d.DownloadDocument(background(), "/v1/orders/nowhere/invoice")
	if !errors.Is(err, ErrTransient) {
		t.Errorf("nowhere: %v", err)
	}
	d.keepsSecrets(t, err)
}

// What is worth another attempt gets a new link: the old one may have expired.
func TestDocumentOfAnUnwellStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc // until the third attempt
		links  int
		class  error
	}{
		"expired":   {func(w http.ResponseWriter, _ *http.Request) { reply(w, 403, "application/xml", "<Error/>") }, 3, nil},
		"unwell":    {func(w http.ResponseWriter, _ *http.Request) { reply(w, 503, "", "") }, 3, nil},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "900"); pdf(w, nil) }, 3, nil},
		"not there": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 404, "", "") }, 1, ErrContract},
		"no PDF":    {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "text/html", "<html>") }, 1, ErrContract},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?"+testSignature, http.StatusFound)
		}, 1, ErrContract},
		"too large": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "", strings.Repeat("x", 2000)) }, 1, ErrContract},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			d := newDocuments(t, func(w http.ResponseWriter, r *http.Request) {
				if n++; n == downloads {
					pdf(w, r)
					return
				}
				test.answer(w, r)
			}, func(c *Config) { c.MaxBody = 1000 })
			file, err := d.DownloadDocument(background(), "/v1/orders/o/invoice")
			if d.links != test.links || test.class == nil != (err == nil) || test.class != nil && !errors.Is(err, test.class) || err == nil && len(file) == 0 {
				t.Errorf("%d links, %q, %v", d.links, file, err)
			}
			d.keepsSecrets(t, err)
		})
	}
}

func TestDocumentObeysItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(background())
	d := newDocuments(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 503, "", ""); cancel() },
		func(c *Config) { c.Backoff = func(int) time.Duration { return time.Hour } })
	_, err := d.DownloadDocument(ctx, "/v1/orders/o/invoice")
	if !errors.Is(err, context.Canceled) || Class(err) != ClassCanceled {
		t.Errorf("%v", err)
	}
	d.keepsSecrets(t, err)
}
