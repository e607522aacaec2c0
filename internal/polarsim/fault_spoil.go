package polarsim

import (
	"bytes"
	"strings"
)

// spoil changes a rendered item as a fault says. Fields are looked for at the item's top level only.
func (h hit) spoil(item []byte) []byte {
	field := func(candidates ...string) string {
		if h.Field != "" {
			return h.Field
		}
		for _, c := range candidates {
			if from, _, _ := member(item, c); from >= 0 {
				return c
			}
		}
		return candidates[len(candidates)-1]
	}
	switch h.Kind {
	case "type":
		return setMember(item, field("created_at"), `{"not":["what","was","expected"]}`)
	case "noid":
		return removeMember(item, "id")
	case "badid":
		return setMember(item, "id", `"not-a-uuid"`)
	case "nul":
		return setMember(item, field("description", "name", "currency", "status"), `"before\u0000after"`)
	case "bigint":
		return setMember(item, field("total_amount", "amount", "consumed_units", "metadata"), strings.Repeat("9", 400))
	case "utf8":
		return setMember(item, field("description", "name", "currency", "status"), "\"caf\xe9 \xff\xfe\"")
	case "huge":
		return setMember(item, field("metadata", "name", "currency"), `{"blob":"`+strings.Repeat("x", 5<<20)+`"}`)
	case "set":
		return setMember(item, h.Field, h.Value)
	}
	return item
}

// aims tells whether the fault is for this item: by its id, by its place in the whole list, or by its index in the page. Of an item served alone,
// index is -1.
func (h hit) aims(index, offset int, id ID) bool {
	switch {
	case h.ID != "":
		return h.ID == id.String()
	case h.Row > 0:
		return index >= 0 && offset+index+1 == h.Row
	default:
		return index == h.Item
	}
}

// fatal tells whether the fault is an item that the server cannot render: the whole page fails.
func (h hit) fatal() bool { return h.Kind == "500" && (h.ID != "" || h.Row > 0) }

// spoils tells whether the fault is for an item.
func (h hit) spoils() bool {
	switch h.Kind {
	case "type", "noid", "badid", "nul", "bigint", "utf8", "huge", "dup", "set":
		return true
	}
	return false
}

// setMember replaces the value of a top-level member of a JSON object, or adds the member.
func setMember(object []byte, key, value string) []byte {
	_, from, to := member(object, key)
	if from < 0 {
		sep := ","
		if bytes.Equal(object, []byte("{}")) {
			sep = ""
		}
		return append(object[:len(object)-1:len(object)-1], sep+quote(key)+":"+value+"}"...)
	}
	out := append([]byte{}, object[:from]...)
	return append(append(out, value...), object[to:]...)
}

func removeMember(object []byte, key string) []byte {
	start, _, to := member(object, key)
	if start < 0 {
		return object
	}
	out := append([]byte{}, object[:start]...)
	if object[to] == ',' {
		to++
	} else if out[len(out)-1] == ',' {
		out = out[:len(out)-1]
	}
	return append(out, object[to:]...)
}

// member finds a top-level member of a compact JSON object: where its key starts, and its value's bounds; -1 where there is none.
func member(object []byte, key string) (start, from, to int) {
	want := quote(key)
	for i := 1; i < len(object) && object[i] == '"'; {
		k := i
		i = skipValue(object, i) + 1 // past the colon
		v := i
		i = skipValue(object, i)
		if string(object[k:v-1]) == want {
			return k, v, i
		}
		i++ // past the comma
	}
	return -1, -1, -1
}

// skipValue gives the index after the compact JSON value that starts at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}
