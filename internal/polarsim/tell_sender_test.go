package polarsim

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// mailbox is where webhooks are sent to: it answers as it is told.
type mailbox struct {
	*httptest.Server
	codes chan int
	came  chan *http.Request // with its body in the header Body
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	a := &mailbox{codes: make(chan int), came: make(chan *http.Request)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Set("Body", string(body))
		a.came <- r
		rw.WriteHeader(<-a.codes)
	}))
	t.Cleanup(a.Close)
	return a
}

// answer takes the next webhook and answers it.
func (a *mailbox) answer(code int) http.Header {
	r := <-a.came
	a.codes <- code
	return r.Header
}

// sending is a world whose webhooks are sent to a mailbox, without waits.
func sending(t *testing.T, secret string) (fixture, *mailbox) {
	t.Helper()
	f, to := newFixture(t), newMailbox(t)
	f.w.SendTo(to.URL, secret)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.w.Send(ctx, Sending{Wait: func(int) time.Duration { return 0 }})
	}()
	t.Cleanup(func() { stop(); <-done })
	return f, to
}

// Webhooks are signed by what the secret encodes if it is one of Standard Webhooks, and else by its bytes.
func TestWebhooksAreSigned(t *testing.T) {
	t.Parallel()
	const standard, whole = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=", "whsec_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK"
	for secret, key := range map[string]func() (*standardwebhooks.Webhook, error){
		standard: func() (*standardwebhooks.Webhook, error) { return standardwebhooks.NewWebhook(standard) },
		whole:    func() (*standardwebhooks.Webhook, error) { return standardwebhooks.NewWebhookRaw([]byte(whole)) },
	} {
		t.Run(secret, func(t *testing.T) {
			t.Parallel()
			f, to := sending(t, secret)
			f.send("PATCH", "/v1/products/"+text(list1(t, f.s, "/v1/products/").Items[0]["id"]), `{"name":"Told"}`, 200)
			h := to.answer(202)
			verify, err := key()
			if err != nil {
				t.Fatal(err)
			}
			if err := verify.VerifyIgnoringTimestamp([]byte(h.Get("Body")), h); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(h.Get("Body"), `{"type":"product.updated"`) || h.Get("User-Agent") != "polar.sh webhooks" {
				t.Errorf("sent %v", h)
			}
			endpoint := all(t, f.s, "/v1/webhooks/endpoints")[0]
			if endpoint["url"] != to.URL || endpoint["uses_standard_webhook_signature"] != (secret == standard) {
				t.Errorf("endpoint %v", endpoint)
			}
		})
	}
}

// What fails is sent ten times with the same id, and each attempt is a delivery. An endpoint at which ten in a row have failed is disabled, and told
// nothing more.
func TestEndpointThatFailsIsDisabled(t *testing.T) {
	t.Parallel()
	f, to := sending(t, "0123456789abcdef0123456789abcdef")
	before := len(f.w.hooks.deliveries)
	product := "/v1/products/" + text(list1(t, f.s, "/v1/products/").Items[0]["id"])
	attempts := map[string]int{}
	f.send("PATCH", product, `{"name":"Told"}`, 200)
	for _, code := range []int{500, 302, 204} {
		attempts[to.answer(code).Get("webhook-id")]++
	}
	if len(attempts) != 1 {
		t.Errorf("attempts: %v", attempts)
	}
	enabled := func() bool { return all(t, f.s, "/v1/webhooks/endpoints")[0]["enabled"] == true }
	for range sendFailed {
		if !enabled() {
			t.Fatalf("disabled after %v", attempts)
		}
		f.send("PATCH", product, `{"name":"Told again"}`, 200)
		for range sendAttempts {
			attempts[to.answer(503).Get("webhook-id")]++
		}
	}
	for enabled() { // the last attempt is about to be recorded
	}
	f.send("PATCH", product, `{"name":"To nobody"}`, 200)
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if n := len(f.w.hooks.outbox.letters); n > 0 || len(attempts) != 1+sendFailed || len(f.w.hooks.deliveries)-before != 3+sendFailed*sendAttempts {
		t.Errorf("%d wait; attempts: %v; %d deliveries", n, attempts, len(f.w.hooks.deliveries)-before)
	}
}
