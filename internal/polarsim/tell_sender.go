package polarsim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// sendAttempts is how often a webhook is sent before it has failed for good, and sendFailed how many that failed in a row disable their
	// endpoint (polarsource/polar, server/polar/webhook/service.py).
	sendAttempts = 10
	sendFailed   = 10
	sendTimeout  = 10 * time.Second
)

// outbox is what waits to be sent to endpoints that webhooks are really sent to.
type outbox struct {
	letters []letter
	filled  chan struct{} // holds a signal when something was added, or the worker was started
	failed  int           // events in a row
}

// letter is a webhook that is to be sent.
type letter struct {
	event    Ref
	attempts int // so far
	due      time.Time
}

// SendTo has webhooks sent to a URL, by Send. The first endpoint gets this URL and secret; if there is none, it is made and told everything. It is
// signed as Standard Webhooks says where the secret is one of these, and else by the bytes of the secret, as before September 2026.
func (w *World) SendTo(url, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startJournal()
	if len(w.hooks.endpoints) == 0 {
		w.hooks.endpoints = []Endpoint{{CreatedAt: w.now - 5*day, Name: "Production", Format: "raw", Events: webhookTypes, Enabled: true}}
	}
	e := &w.hooks.endpoints[0]
	e.URL, e.Secret, e.sent = url, secret, true
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	e.Standard = err == nil && len(key) > 0 && strings.HasPrefix(secret, "whsec_")
	w.version++
}

// Sending says how Send sends.
type Sending struct {
	Client *http.Client // default: one that follows no redirect
	// Wait is how long after its nth attempt a failed webhook is sent again; default: as long as with Polar, from seconds to 20 minutes.
	Wait func(n int) time.Duration
	Log  *slog.Logger // one line an attempt, at debug level; nil = none
}

// waitAsPolar doubles from four seconds on, less a random part of up to half.
func waitAsPolar(n int) time.Duration {
	most := min(2*time.Second<<n, 20*time.Minute)
	return most/2 + rand.N(most/2)
}

// Send sends webhooks to the URL of SendTo until ctx ends: one after the other, and those that failed again later, beside younger ones.
func (w *World) Send(ctx context.Context, o Sending) {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		defer o.Client.CloseIdleConnections()
	}
	if o.Wait == nil {
		o.Wait = waitAsPolar
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for {
		next, wait := w.nextLetter()
		if next == nil {
			timer := time.NewTimer(wait)
			select {
			case <-w.hooks.outbox.filled:
				timer.Stop()
				continue
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
		code, err := w.post(ctx, o.Client, next.event)
		if ctx.Err() != nil {
			return
		}
		o.Log.DebugContext(ctx, "webhook", "attempt", next.attempts+1, "status", code, "error", err)
		w.sentLetter(*next, code, o.Wait)
	}
}

// nextLetter takes out the letter that is due; without one it tells how long nothing is.
func (w *World) nextLetter() (next *letter, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	box := &w.hooks.outbox
	if len(box.letters) == 0 || w.worker.stopped {
		return nil, time.Hour
	}
	first := slices.MinFunc(box.letters, func(a, b letter) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.event, b.event)) })
	if wait = time.Until(first.due); wait > 0 {
		return nil, wait
	}
	box.letters = slices.DeleteFunc(box.letters, func(l letter) bool { return l.event == first.event })
	return &first, 0
}

// post sends an event once. Without an answer the code is 0.
func (w *World) post(ctx context.Context, client *http.Client, n Ref) (code int, err error) {
	w.mu.RLock()
	e := w.hooks.events[n]
	endpoint := w.hooks.endpoints[e.endpoint]
	payload, id, now := []byte(w.sent(n, &e)), w.id(KindWebhookEvent, int(n)).String(), w.now.GoTime()
	w.mu.RUnlock()
	key, err := standardwebhooks.NewWebhookRaw([]byte(endpoint.Secret))
	if endpoint.Standard {
		key, err = standardwebhooks.NewWebhook(endpoint.Secret)
	}
	if err != nil {
		return 0, fmt.Errorf("sign with the secret of the endpoint: %w", err)
	}
	signature, err := key.Sign(id, now, payload)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.URL, bytes.NewReader(payload))
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "polar.sh webhooks", "webhook-api-version": CurrentVersion,
		standardwebhooks.HeaderWebhookID: id, standardwebhooks.HeaderWebhookTimestamp: strconv.FormatInt(now.Unix(), 10), standardwebhooks.HeaderWebhookSignature: signature,
	} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, err
}

// sentLetter records an attempt, and what follows from it.
func (w *World) sentLetter(l letter, code int, wait func(n int) time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	box, e := &w.hooks.outbox, &w.hooks.events[l.event]
	e.code = code
	w.hooks.deliveries = append(w.hooks.deliveries, delivery{at: w.now, event: l.event, code: code})
	l.attempts++
	switch {
	case succeeded(code):
		box.failed = 0
	case l.attempts < sendAttempts:
		l.due = time.Now().Add(wait(l.attempts))
		box.letters = append(box.letters, l)
	default:
		if box.failed++; box.failed >= sendFailed {
			w.hooks.endpoints[e.endpoint].Enabled = false
			w.hooks.endpoints[e.endpoint].ModifiedAt = w.now
			box.letters = nil // those that wait are skipped
		}
	}
}

func succeeded(code int) bool { return code/100 == 2 }

// putLetter has an event sent.
func (w *World) putLetter(event Ref) {
	w.hooks.outbox.letters = append(w.hooks.outbox.letters, letter{event: event})
	w.hooks.outbox.signal()
}

func (o *outbox) signal() {
	select {
	case o.filled <- struct{}{}:
	default:
	}
}
