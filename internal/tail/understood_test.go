package tail_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// newer is a Polar whose endpoints send payloads of a version of the API that nobody knows yet, in which a name means
// something else.
type newer struct{}

func (newer) RoundTrip(req *http.Request) (*http.Response, error) {
	return worldtest.Rewrite(req, func(_ http.Header, body []byte) []byte {
		if req.URL.Path != "/v1/webhooks/deliveries" {
			return body
		}
		body = bytes.ReplaceAll(body, []byte(`\"api_version\":\"2026-10\"`), []byte(`\"api_version\":\"2031-04\"`))
		return bytes.ReplaceAll(body, []byte("Renamed"), []byte("Misread"))
	})
}

// What a payload of an unknown version tells of is fetched, not stored: by its id, or where no path leads to one object, by
// the list of its owner.
func TestTailFetchesWhatItDoesNotUnderstand(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t)
	client, err := fetch.New(fetch.Config{Server: h.HTTP.URL, Token: worldtest.Token, RequestsPerMinute: -1, Now: h.World.Now, Transport: newer{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	h.Mirror = h.NewMirror(t, worldtest.Both(worldtest.ChangedAll(func(s *catalog.Entry) { s.Tail.Fast, s.Tail.Slow, s.Tail.Touched = nil, nil, nil }),
		func(c *catalog.Config) { c.Client, c.Tail.Lag = client, -1 }))
	h.Round(t)
	product := h.All(t, "/v1/products/", nil)[0]["id"].(string)
	seat := h.Stored(t, "customer_seats", "status <> 'revoked' AND subscription_id IS NOT NULL ORDER BY id LIMIT 1")[0]["id"].(string)
	h.Want(t, http.StatusOK, http.MethodPatch, "/v1/products/"+product, `{"name":"Renamed"}`)
	h.Want(t, http.StatusOK, http.MethodDelete, "/v1/customer-seats/"+seat, "")
	before := h.Server.RequestsByPath()["GET /v1/customer-seats"]
	h.Round(t)
	if n := h.Server.RequestsByPath()["GET /v1/customer-seats"] - before; n != 1 {
		t.Errorf("lists of seats were asked for %d times, want that of one subscription", n)
	}
	for sql, want := range map[string]string{
		fmt.Sprintf("SELECT name FROM products WHERE id = '%s'", product):      "Renamed",
		fmt.Sprintf("SELECT status FROM customer_seats WHERE id = '%s'", seat): "revoked",
	} {
		if got := strings.Join(h.Texts(t, sql), ", "); got != want {
			t.Errorf("%s gives %q, want %q", sql, got, want)
		}
	}
}
