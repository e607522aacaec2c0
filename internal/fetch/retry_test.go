package fetch

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// A 401 is asked for once more before it counts, with the token that is in use by then.
func TestUnauthorizedIsConfirmed(t *testing.T) {
	t.Parallel()
	const refused = `{"error":"invalid_token","error_description":"expired"}`
	refusals := 1
	var c *Client
	handler := func(w http.ResponseWriter, r *http.Request) {
		if refusals--; refusals >= 0 {
			reply(w, 401, "application/json", refused)
			return
		}
		replyEmpty(w)
	}
	c = inProcess(t, handler)
	if p, err := c.Page(background(), "/v1/orders/", nil); err != nil || p.Requests != 2 {
		t.Errorf("one 401: %d requests, %v", p.Requests, err)
	}
	refusals = 5
	if p, err := c.Page(background(), "/v1/orders/", nil); !errors.Is(err, ErrAuth) || p.Requests != 2 {
		t.Errorf("401 and again: %d requests, %v", p.Requests, err)
	}
	const other = "polar_oat_othertoken"
	c = inProcess(t, func(w http.ResponseWriter, r *http.Request) {
		if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); token != other {
			if err := c.SetToken(other); err != nil {
				t.Error(err)
			}
			reply(w, 401, "application/json", refused)
			return
		}
		replyEmpty(w)
	})
	if p, err := c.Page(background(), "/v1/orders/", nil); err != nil || p.Requests != 2 {
		t.Errorf("replaced token: %d requests, %v", p.Requests, err)
	}
	if err := c.SetToken("polar oat"); err == nil || strings.Contains(err.Error(), "polar oat") {
		t.Errorf("a token that is none: %v", err)
	}
}
