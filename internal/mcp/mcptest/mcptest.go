// Package mcptest connects the client of the official SDK to a server of assistants in tests, as assistants do: over a pipe, or over HTTP.
package mcptest

import (
	"context"
	"net"
	"net/http"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/internal/mcp"
)

// Token is what clients send over HTTP.
const Token = "one-that-nobody-guesses"

// Session is an assistant's.
type Session struct{ *sdk.ClientSession }

// Pipe speaks with a server as over stdio, one message a line, until the end of the test.
func Pipe(t *testing.T, server *mcp.Server) Session {
	t.Helper()
	here, there := net.Pipe()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- server.Run(ctx, &sdk.IOTransport{Reader: there, Writer: there}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return connect(t, &sdk.IOTransport{Reader: here, Writer: here})
}

// HTTP lets a server listen until the end of the test. It tells where, and how to send requests there.
func HTTP(t *testing.T, server *mcp.Server) (s Session, url string, transport http.RoundTripper) {
	t.Helper()
	l, err := mcp.Listen(t.Context(), "127.0.0.1:0", Token)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, Token) }()
	bare := &http.Transport{}
	t.Cleanup(func() {
		cancel()
		bare.CloseIdleConnections()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	url = "http://" + l.Addr().String() + "/mcp"
	s = connect(t, &sdk.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer{bare}}, DisableStandaloneSSE: true})
	return s, url, bare
}

func connect(t *testing.T, over sdk.Transport) Session {
	t.Helper()
	client, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), over, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return Session{client}
}

// bearer sends the token.
type bearer struct{ next http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+Token)
	return b.next.RoundTrip(r)
}

// Call returns the answer of a tool, or what it says is wrong.
func (s Session) Call(t *testing.T, tool string, args any) (out, wrong string) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return "", err.Error()
	}
	text := res.Content[0].(*sdk.TextContent).Text
	if res.IsError {
		return "", text
	}
	return text, ""
}
