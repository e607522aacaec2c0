package polarsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// NewShowcase makes servers that together have everything that the simulator can make: an organization as it is generated, and
// the same one after it has lived for a while and people have changed by hand what nothing else leads to. Other servers are
// compared with them.
func NewShowcase(o ServerOptions) ([]*Server, error) {
	of := Options{Seed: 1, Customers: 300}
	young, w := NewServer(NewWorld(of), o), NewWorld(of)
	o.FreshState = true
	s := NewServer(w, o)
	w.Churn(400)
	w.Advance(45 * 24 * time.Hour)
	w.Churn(200)
	h := hand{s: s, token: o.Token}
	h.endpoint()
	h.subscription()
	h.departure()
	return []*Server{young, s}, h.err
}

// hand makes changes as people do, through the API.
type hand struct {
	s     *Server
	token string
	err   error // the first one
}

// call sends a request and reads its answer into an object, unless that is nil.
func (h *hand) call(method, target, body string, into any) {
	if h.err != nil {
		return
	}
	u, err := url.Parse(target)
	if err != nil {
		h.err = err
		return
	}
	r := &http.Request{Method: method, URL: u, RequestURI: target, Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(body))}
	if body != "" {
		r.Body = readCloser{strings.NewReader(body)}
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	kept := &reply{ResponseWriter: nowhere{http.Header{}}, status: http.StatusOK}
	h.s.ServeHTTP(kept, r)
	if kept.status >= http.StatusBadRequest {
		h.err = fmt.Errorf("%s %s: %d %s", method, target, kept.status, kept.body)
		return
	}
	if into != nil {
		h.err = json.Unmarshal(kept.body, into)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// nowhere is where a reply goes that is only kept.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// endpoint makes one without a name, and changes it.
func (h *hand) endpoint() {
	var made struct{ ID string }
	h.call("POST", "/v1/webhooks/endpoints", `{"url":"https://hooks.example/","format":"raw","events":["order.created"]}`, &made)
	h.call("PATCH", "/v1/webhooks/endpoints/"+made.ID, `{"enabled":false}`, &made)
}

// subscription changes one with seats in all the ways that leave a trace.
func (h *hand) subscription() {
	var page struct {
		Items []struct {
			ID, Status string
			Seats      *int
			Cancels    bool `json:"cancel_at_period_end"`
		}
	}
	h.call("GET", "/v1/subscriptions/?active=true&limit=100", "", &page)
	for _, sub := range page.Items {
		if sub.Seats == nil || sub.Status != "active" || sub.Cancels {
			continue
		}
		for _, change := range []string{`{"cancel_at_period_end":true,"customer_cancellation_reason":"unused"}`, `{"cancel_at_period_end":false}`, `{"seats":9,"proration_behavior":"prorate"}`,
			`{"metadata":{"a":1}}`, `{"seats":8,"proration_behavior":"next_period"}`, `{"pending_update":null}`, `{"seats":7,"proration_behavior":"next_period"}`} {
			var changed struct{ ID string }
			h.call("PATCH", "/v1/subscriptions/"+sub.ID, change, &changed)
		}
		return
	}
	if h.err == nil {
		h.err = errors.New("no subscription with seats is active")
	}
}

// departure deletes a customer without an address who has bought something.
func (h *hand) departure() {
	for page := 1; h.err == nil; page++ {
		var orders struct {
			Items []struct {
				Customer struct {
					ID        string
					Email     *string
					DeletedAt *string `json:"deleted_at"`
				}
			}
		}
		h.call("GET", "/v1/orders/?limit=100&page="+strconv.Itoa(page), "", &orders)
		for _, o := range orders.Items {
			if o.Customer.Email == nil && o.Customer.DeletedAt == nil {
				h.call("DELETE", "/v1/customers/"+o.Customer.ID, "", nil)
				return
			}
		}
		if h.err == nil && len(orders.Items) == 0 {
			h.err = errors.New("every customer has an address")
		}
	}
}
