// Package inprocess answers requests in process, so that synctest can run over it. It knows no client: the client's own tests use it.
package inprocess

import (
	"io"
	"net/http"
	"net/http/httptest"
)

const (
	// Token is what clients of tests send.
	Token = "polar_oat_secretsecretsecret"
	// EmptyPage is a page of a list without rows.
	EmptyPage = `{"items":[],"pagination":{"total_count":0,"max_page":0}}`
)

// RoundTrip is a transport. A request whose context has ended is not sent.
type RoundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f RoundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return f(req)
}

// To is a transport whose requests are answered by a handler.
func To(handler http.Handler) RoundTrip {
	return func(req *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, req)
		resp := recorder.Result()
		resp.Request = req
		return resp, nil
	}
}

// Reply answers; with contentType "" it says none.
func Reply(w http.ResponseWriter, status int, contentType, body string) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	WriteText(w, body)
}

// ReplyEmpty answers with a page without rows.
func ReplyEmpty(w http.ResponseWriter) { Reply(w, http.StatusOK, "application/json", EmptyPage) }

// WriteText writes text to a client, unless there is none: some statuses have no body.
func WriteText(w http.ResponseWriter, text string) {
	if text == "" {
		return
	}
	if _, err := io.WriteString(w, text); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
}
