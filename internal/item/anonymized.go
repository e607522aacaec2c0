package item

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/rawjson"
)

// anonymizedAt is what Polar adds to the metadata of a customer whom it deletes and anonymizes. Source: polarsource/polar,
// server/polar/customer/service.py.
const anonymizedAt = "__anonymized_at"

// rarely is a part of it that begins with a letter which objects hardly have: to look for an underscore takes several times as long.
const rarely = "zed_at"

// copiesDeep is how deep in an object Polar shows customers, and some more.
const copiesDeep = 6

// Anonymized are the customers in a value whom Polar has anonymized: the value itself, or copies inside it. One that is not deleted
// is none of them: an organization may use the same key.
func Anonymized(raw jsontext.Value) []uuid.UUID { return anonymized(raw, copiesDeep) }

func anonymized(raw jsontext.Value, levels int) (ids []uuid.UUID) {
	if levels == 0 || !bytes.Contains(raw, []byte(rarely)) {
		return nil
	}
	switch raw.Kind() {
	case '[':
		for element := range rawjson.Elements(raw) {
			ids = append(ids, anonymized(element, levels-1)...)
		}
	case '{':
		if metadata := rawjson.Member(raw, "metadata"); metadata.Kind() == '{' && rawjson.Member(metadata, anonymizedAt).Kind() == '"' &&
			rawjson.Member(raw, "deleted_at").Kind() == '"' && rawjson.Member(raw, "email") != nil {
			if id, err := FieldID(raw, "id"); err == nil {
				ids = append(ids, id)
			}
		}
		for _, value := range rawjson.Members(raw) {
			ids = append(ids, anonymized(value, levels-1)...)
		}
	}
	return ids
}
