package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that is never shown: however it is printed, logged or encoded, it reads [redacted].
type Secret string

const redacted = "[redacted]"

// Reveal returns the text itself, for its user.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (Secret) String() string { return redacted }

// Format hides the text from every verb, also from verbs for other types.
func (Secret) Format(f fmt.State, _ rune) {
	if _, err := io.WriteString(f, redacted); err != nil {
		panic(err) // a fmt.State never fails
	}
}

// MarshalText hides the text in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the text in log lines.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
