package item

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Column is one column that an upsert takes, named as the API's field.
type Column struct {
	Name string
	// Takes are the kinds of JSON values that the column can hold beside null, as characters of jsontext.Kind; "" = all.
	Takes string
}

// WholeNumber is the Takes of a column of whole numbers: see rawjson.WholeNumber.
const WholeNumber = "0"

// Columns are the columns of a table, in the order in which its upsert takes them.
type Columns struct {
	List  []Column
	index map[string]int
}

// NewColumns makes Columns of a list.
func NewColumns(list []Column) Columns {
	c := Columns{List: list, index: make(map[string]int, len(list))}
	for i, column := range list {
		c.index[column.Name] = i
	}
	return c
}

// Index is the index of a column; ok is false where there is none of that name.
func (c Columns) Index(name string) (i int, ok bool) {
	i, ok = c.index[name]
	return i, ok
}

// Has: there is a column of that name.
func (c Columns) Has(name string) bool {
	_, ok := c.index[name]
	return ok
}

// AsJSON returns an object as one JSON object of its columns.
func (c *Columns) AsJSON(o *Item) jsontext.Value {
	b := []byte{'{'}
	for i, column := range c.List {
		if v := o.Values[i]; v != nil {
			b = append(strconv.AppendQuote(b, column.Name), ':')
			b = append(append(b, v...), ',')
		}
	}
	return append(bytes.TrimSuffix(b, []byte{','}), '}')
}
