package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A webhook as Polar signs it with each kind of key.
const (
	testSecret = "whsec_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK" // 43 characters: of before September 2026
	newSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	testID     = "3f2a6f9e-2d6b-4d53-9f1e-0c9a6c1f7a11"
	testBody   = `{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{}}`
)

var testTime = time.Unix(1767225600, 0)

func headersOf(id, at, signature string) http.Header {
	h := http.Header{}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, at)
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return h
}

// signed signs as Polar does: wholly with the bytes of the secret as it is, or as Standard Webhooks says.
func signed(t testing.TB, secret, body string, at time.Time, standard bool) http.Header {
	t.Helper()
	key, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if standard {
		key, err = standardwebhooks.NewWebhook(secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(testID, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return headersOf(testID, strconv.FormatInt(at.Unix(), 10), signature)
}

func keysOf(t testing.TB, secrets ...string) Keys {
	t.Helper()
	keys, err := NewKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const seconds = "1767225600"
	// Computed apart, by openssl dgst -sha256 -mac HMAC.
	const good = "v1,fhMLfFTWdIN78GCqUTDhNmdlwcuS28AnlWX577uttmY="
	for name, c := range map[string]struct {
		secrets []string
		headers http.Header
		body    string
		now     time.Time
		want    error
	}{
		"the whole secret":        {headers: headersOf(testID, seconds, good)},
		"among several":           {headers: headersOf(testID, seconds, "v1a,AAAA v1,AAAA "+good)},
		"what the secret encodes": {secrets: []string{newSecret}, headers: signed(t, newSecret, testBody, testTime, true)},
		"a new one signed whole":  {secrets: []string{newSecret}, headers: signed(t, newSecret, testBody, testTime, false)},
		"an old prefix":           {secrets: []string{"polar_whs_abcdefghijklmnop"}, headers: signed(t, "polar_whs_abcdefghijklmnop", testBody, testTime, false)},
		"of one's own making":     {secrets: []string{"0123456789abcdef0123456789abcdef"}, headers: signed(t, "0123456789abcdef0123456789abcdef", testBody, testTime, true)},
		"the second secret":       {secrets: []string{newSecret, testSecret}, headers: headersOf(testID, seconds, good)},
		"five minutes late":       {headers: headersOf(testID, seconds, good), now: testTime.Add(tolerance)},
		"five minutes early":      {headers: headersOf(testID, seconds, good), now: testTime.Add(-tolerance)},

		"too old":         {headers: headersOf(testID, seconds, good), now: testTime.Add(tolerance + time.Second), want: errTime},
		"too new":         {headers: headersOf(testID, seconds, good), now: testTime.Add(-tolerance - time.Second), want: errTime},
		"absurdly old":    {headers: headersOf(testID, "-9223372036854775808", good), want: errTime},
		"no time":         {headers: headersOf(testID, "", good), want: errHeaders},
		"no id":           {headers: headersOf("", seconds, good), want: errHeaders},
		"no signature":    {headers: headersOf(testID, seconds, ""), want: errHeaders},
		"no version":      {headers: headersOf(testID, seconds, strings.TrimPrefix(good, "v1,")), want: errSignature},
		"another version": {headers: headersOf(testID, seconds, "v2"+strings.TrimPrefix(good, "v1")), want: errSignature},
		"a part of it":    {headers: headersOf(testID, seconds, good[:len(good)-4]), want: errSignature},
		"empty":           {headers: headersOf(testID, seconds, "v1,"), want: errSignature},
		"another id":      {headers: headersOf(testID+"0", seconds, good), want: errSignature},
		"another time":    {headers: headersOf(testID, "1767225601", good), want: errSignature},
		"another body":    {headers: headersOf(testID, seconds, good), body: testBody + " ", want: errSignature},
		"another secret":  {secrets: []string{newSecret}, headers: headersOf(testID, seconds, good), want: errSignature},
		"no secret":       {secrets: []string{}, headers: headersOf(testID, seconds, good), want: errSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.secrets == nil {
				c.secrets = []string{testSecret}
			}
			if c.body == "" {
				c.body = testBody
			}
			if c.now.IsZero() {
				c.now = testTime
			}
			if err := keysOf(t, c.secrets...).Verify(c.headers, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Errorf("verified: %v, want %v", err, c.want)
			}
		})
	}
}

// A secret that encodes nothing must not become a key that everybody has.
func TestNoKeyIsEmpty(t *testing.T) {
	t.Parallel()
	empty, err := standardwebhooks.NewWebhookRaw(nil)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := empty.Sign(testID, testTime, []byte(testBody))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"whsec_", "whsec_====", "whsec_----------------", "----------------", "ääääääää"} {
		if err := keysOf(t, secret).Verify(headersOf(testID, "1767225600", signature), []byte(testBody), testTime); !errors.Is(err, errSignature) {
			t.Errorf("the secret %q accepts a signature of the empty key: %v", secret, err)
		}
	}
	if _, err := NewKeys([]string{testSecret, ""}); err == nil {
		t.Error("an empty secret is taken")
	}
}

// Whatever comes is refused unless it is signed, and nothing of it ends the process.
func FuzzWebhook(f *testing.F) {
	good := signed(f, testSecret, testBody, testTime, false)
	f.Add(testID, "1767225600", good.Get(standardwebhooks.HeaderWebhookSignature), []byte(testBody))
	f.Add("", "9223372036854775807", "v1, v1,, ,v1", []byte(`{"type":"x","data":{"id":1}}`))
	keys := keysOf(f, testSecret, newSecret)
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := headersOf(id, at, signature)
		if err := keys.Verify(h, body, testTime); err == nil && (id != testID || string(body) != testBody) {
			t.Errorf("accepted: %q %q %q %q", id, at, signature, body)
		}
		// What is signed is read, whatever it is.
		if m, ok := read(body); ok && (m.Event == "" || m.Data.Kind() != '{') {
			t.Errorf("read %+v", m)
		}
	})
}
