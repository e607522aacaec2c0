package webhook

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Message is the body of a webhook, of an endpoint of the format raw.
type Message struct {
	Event string         // such as order.paid
	At    time.Time      // when it happened, by Polar's clock; zero where the body does not say
	Data  jsontext.Value // the object
}

// read takes a body apart. ok is false where it is no message.
func read(body []byte) (m Message, ok bool) {
	var envelope struct {
		Type      string         `json:"type"`
		Timestamp jsontext.Value `json:"timestamp"`
		Data      jsontext.Value `json:"data"`
	}
	if json.Unmarshal(body, &envelope, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil || envelope.Type == "" || envelope.Data.Kind() != '{' {
		return m, false
	}
	m = Message{Event: envelope.Type, Data: envelope.Data}
	if json.Unmarshal(envelope.Timestamp, &m.At) != nil {
		m.At = time.Time{}
	}
	return m, true
}
