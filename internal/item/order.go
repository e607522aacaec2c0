package item

// order are the fields of objects in the order in which the last of them had them. Polar renders all objects of a list alike, so a
// field is mostly found without a look at the map.
type order struct {
	fields []named
	next   int
}

type named struct {
	name string
	field
}

// longest bounds an order: who sends more fields has them looked up.
const longest = 256

// before is the order of the objects of a shape that came before.
func (sp *Splitter) before(sh *Shape) *order {
	o := sp.orders[sh]
	if o == nil {
		o = &order{}
		if sp.orders == nil {
			sp.orders = map[*Shape]*order{}
		}
		sp.orders[sh] = o
	}
	o.next = 0
	return o
}

// field is what becomes of the next field, which has this name.
func (o *order) field(sh *Shape, name []byte) field {
	at := o.next
	o.next++
	if at < len(o.fields) && o.fields[at].name == string(name) {
		return o.fields[at].field
	}
	f := sh.fields[string(name)]
	switch {
	case at < len(o.fields):
		o.fields[at] = named{string(name), f}
	case at < longest:
		o.fields = append(o.fields, named{string(name), f})
	}
	return f
}
