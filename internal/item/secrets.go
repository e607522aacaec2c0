package item

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/rawjson"
)

// everywhere are the names of fields that are secrets in every object: what opens a checkout or a checkout link, what lets a bot
// into a Discord server, and the address of a buyer's machine. Source: checkout/schemas.py, checkout_link/schemas.py and
// benefit/schemas.py of polarsource/polar.
func everywhere() []string { return []string{"client_secret", "guild_token", "customer_ip_address"} }

// own are the names of fields whose content the organization or its customers make up: a name inside them is theirs, and no
// secret of Polar's.
func own(name string) bool {
	switch name {
	case "metadata", "customer_metadata", "seat_metadata", "custom_field_data", "meta":
		return true
	}
	return false
}

// withoutSecrets removes the members of these names, at any depth, from a valid JSON value. It runs before anything else, so
// rejects, findings and rows are all made of what it leaves.
func withoutSecrets(raw jsontext.Value, names []string) jsontext.Value {
	if !mayHold(raw, names) {
		return raw
	}
	return rawjson.WithoutMembers(raw, func(name []byte) rawjson.Fate {
		switch {
		case slices.Contains(names, string(name)):
			return rawjson.Drop
		case own(string(name)):
			return rawjson.Keep
		}
		return rawjson.Enter
	})
}

// mayHold returns false, quickly and for nearly every item, when none of the names stands before a colon in it.
func mayHold(raw jsontext.Value, names []string) bool {
	var quoted []byte
	for _, name := range names {
		quoted = append(append(append(quoted[:0], '"'), name...), '"')
		for _, after, found := bytes.Cut(raw, quoted); found; _, after, found = bytes.Cut(after, quoted) {
			if bytes.HasPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte{':'}) {
				return true
			}
		}
	}
	return bytes.Contains(raw, []byte(`\u00`)) // a letter of a name may be escaped
}
