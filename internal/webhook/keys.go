package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// tolerance is how far the time of a signature may be from Polar's clock, as the Standard Webhooks specification proposes.
const tolerance = 5 * time.Minute

// secretPrefix begins the secrets that Polar makes; older ones begin with polar_whs_.
const secretPrefix = "whsec_"

// Why a webhook is refused. Each is a value of the label reason, too.
var (
	errHeaders   = errors.New("headers")
	errTime      = errors.New("time")
	errSignature = errors.New("signature")
)

// Keys are the secrets of the endpoints whose webhooks are accepted. Several are for the time in which one replaces another.
type Keys []*standardwebhooks.Webhook

// NewKeys makes keys. Polar signs in two ways, and the secret does not say which: with the bytes of the whole text where it was
// made before 8 September 2026, and since then as Standard Webhooks says, with what its base64 stands for. So each secret has two
// keys. Source: server/polar/webhook/tasks.py, server/polar/webhook/constants.py.
func NewKeys(secrets []string) (Keys, error) {
	var keys Keys
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("webhook secret %d is empty", i+1)
		}
		whole, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		if err != nil {
			return nil, fmt.Errorf("webhook secret %d cannot be used", i+1) // the error could repeat it
		}
		keys = append(keys, whole)
		// Polar's decoder skips what is not of the alphabet.
		encoded := strings.Map(inBase64, strings.TrimPrefix(secret, secretPrefix))
		if decoded, err := standardwebhooks.NewWebhook(encoded); err == nil && strings.Trim(encoded, "=") != "" {
			keys = append(keys, decoded)
		}
	}
	return keys, nil
}

func inBase64(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '+', r == '/', r == '=':
		return r
	}
	return -1
}

// inTime checks what needs no body: that the headers are there, and that it was signed around now.
func inTime(h http.Header, now time.Time) error {
	if h.Get(standardwebhooks.HeaderWebhookID) == "" || h.Get(standardwebhooks.HeaderWebhookSignature) == "" {
		return errHeaders
	}
	seconds, err := strconv.ParseInt(h.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return errHeaders
	}
	// Compared as seconds: a duration cannot hold every distance.
	if at := now.Unix(); seconds < at-int64(tolerance/time.Second) || seconds > at+int64(tolerance/time.Second) {
		return errTime
	}
	return nil
}

// Verify checks a webhook: now is Polar's clock.
func (k Keys) Verify(h http.Header, body []byte, now time.Time) error {
	if err := inTime(h, now); err != nil {
		return err
	}
	for _, key := range k {
		// The library judges time by the clock of this machine, which may be wrong.
		if key.VerifyIgnoringTimestamp(body, h) == nil {
			return nil
		}
	}
	return errSignature
}
