package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"

	"syncd/internal/store"
)

// Secret is a text that is shown to nobody: however it is printed, logged or encoded, it reads [redacted].
type Secret string

const redacted = "[redacted]"

// Reveal is the text itself, for the one who needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (Secret) String() string { return redacted }

// Format hides the text from every verb, those for other types included.
func (Secret) Format(f fmt.State, _ rune) {
	if _, err := io.WriteString(f, redacted); err != nil {
		panic(err) // a fmt.State never fails
	}
}

// MarshalText hides the text in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the text in log lines.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// DSN is a connection string as it may be shown: without its passwords, and not at all where they cannot be told from
// the rest.
func (s Secret) DSN() string {
	if s == "" {
		return ""
	}
	if store.CheckDSN(string(s)) != nil { // half of a password can look like a host
		return redacted
	}
	if !strings.Contains(string(s), "://") {
		return dsnPassword.ReplaceAllString(string(s), "${1}=xxxxx")
	}
	u, err := url.Parse(string(s))
	if err != nil {
		return redacted
	}
	query := u.Query()
	for _, key := range []string{"password", "sslpassword"} {
		if query.Has(key) {
			query.Set(key, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// dsnPassword finds the passwords in key=value form, quoted or not.
var dsnPassword = regexp.MustCompile(`\b((?:ssl)?password)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)`)
