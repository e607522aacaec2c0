package item

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/rawjson"
)

// FieldID is an id at the top level of an object.
func FieldID(object jsontext.Value, name string) (uuid.UUID, error) {
	return parseID(rawjson.Member(object, name))
}

// FieldText is a string at the top level of an object; "" if there is none.
func FieldText(object jsontext.Value, name string) string {
	return rawjson.Text(rawjson.Member(object, name))
}

// FieldTime is a time at the top level of an object, in UTC; zero if there is none.
func FieldTime(object jsontext.Value, name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, FieldText(object, name))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// FieldIDs are the ids of objects as texts; objects without an id are left out.
func FieldIDs(objects []jsontext.Value) []string {
	ids := make([]string, 0, len(objects))
	for _, object := range objects {
		if id := FieldText(object, "id"); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// TimeValue is a time as a value of a column.
func TimeValue(at time.Time) jsontext.Value {
	return append(at.UTC().AppendFormat([]byte{'"'}, time.RFC3339Nano), '"')
}

// Times are the times in a column of objects, null where there is none; empty where there is no such column.
func Times(objects []*Item, c *Columns, column string) []*time.Time {
	if !c.Has(column) {
		return nil
	}
	times := make([]*time.Time, len(objects))
	for i, o := range objects {
		if at, ok := o.Time(c, column); ok {
			times[i] = &at
		}
	}
	return times
}

// IDs are the ids in a column of objects, zero where there is none; empty where there is no such column.
func IDs(objects []*Item, c *Columns, column string) []uuid.UUID {
	at, ok := c.Index(column)
	if !ok {
		return nil
	}
	ids := make([]uuid.UUID, len(objects))
	for i, o := range objects {
		ids[i], _ = parseID(o.Values[at])
	}
	return ids
}

// Time is the time in a column; ok is false where there is none.
func (o *Item) Time(c *Columns, column string) (at time.Time, ok bool) {
	i, ok := c.Index(column)
	if !ok || o.Values[i].Kind() != '"' {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, string(o.Values[i][1:len(o.Values[i])-1]))
	return at, err == nil
}
