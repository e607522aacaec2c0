package polarsim

import (
	"encoding/json"
	"strconv"
)

// remove deletes a customer softly, and its members at once; subscriptions and grants follow later, as upstream, by background jobs
// (polarsource/polar, server/polar/customer/service.py delete).
func (w *World) remove(n Ref, at Time, anonymize bool) {
	c := &w.customers[n]
	c.DeletedAt, c.ModifiedAt = at, at
	if c.ExternalID != "" { // freed for reuse; kept in the metadata
		c.Metadata = withKey(c.Metadata, "__external_id", c.ExternalID)
		c.ExternalID = ""
	}
	if anonymize {
		c.Email = strconv.FormatUint(mix(w.seed^uint64(n)), 16) + "@anonymized.invalid"
		c.EmailVerified = false
		c.BillingName = ""
		if c.TaxID == nil {
			c.Name = strconv.FormatUint(mix(w.seed+uint64(n)), 16)
		}
		c.Address = nil
		c.Metadata = withKey(c.Metadata, "__anonymized_at", at.String())
	}
	for i, m := range w.membersOf(n) {
		if m.DeletedAt == 0 {
			m.DeletedAt, m.ModifiedAt = at, at
			w.hook("member.deleted", KindMember, i)
		}
	}
	w.customerHappened(evCustomerDeleted, n, "")
}

// withKey adds a string to a JSON object in text form.
func withKey(object, key, value string) string {
	member := quote(key) + ":" + quote(value)
	if object == "" || object == "{}" {
		return "{" + member + "}"
	}
	return object[:len(object)-1] + "," + member + "}"
}

func quote(s string) string { return string(appendString(nil, s)) }

// lookup gives the JSON text of a key of an object in text form.
func lookup(object, key string) (json.RawMessage, bool) {
	if object == "" {
		return nil, false
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		return nil, false
	}
	v, ok := fields[key]
	return v, ok
}
