package catalog

import (
	"maps"
	"strings"
)

// Owner says how the rows of a table name the customer whose data they hold, and what is taken out of them when that customer is erased.
type Owner struct {
	Table    string
	Customer string   // column with the id of the customer; "" = there is none
	Emails   []string // columns with an address by which a row is the customer's, whatever else it names
	Names    []string // columns with the organization's own id of the customer
	Parents  []string // the rows that a row belongs to, as table.column: the table has customer_id, the column is of the row itself
	Child    bool     // the rows are of a list inside their parent
	// Columns are those with personal data, and how they are cleared: Identifier and Text become null, but country and state of an address
	// stay, as taxes are summed by them. Of an EventData, what Polar counts by stays.
	Columns map[string]Treatment
}

// EventData is the metadata of an event: a Document, but for what money, subscriptions and meters follow from.
const EventData Treatment = "event"

// Unnamed is what has no column: a Document of Polar's own fields, of which numbers, ids and times stay, as they may be money.
const Unnamed Treatment = "unnamed"

// Pseudonym is an Identifier by which people are counted: a keyed hash takes its place.
const Pseudonym Treatment = "pseudonym"

// Owners are the tables whose rows belong to a customer. Parents come before what belongs to them.
func Owners() (all []Owner) {
	named := ownersNamed()
	for _, e := range Entries() {
		o, is := named[e.Name]
		if o.Customer == "" && e.Table.Has("customer_id") {
			o.Customer, is = "customer_id", true
		}
		if !is {
			continue
		}
		columns := cleared(e.Personal[e.Name])
		maps.Copy(columns, o.Columns)
		o.Table, o.Columns = e.Name, columns
		all = append(all, o)
		for _, c := range e.Children {
			all = append(all, Owner{Table: c.Name, Parents: []string{e.Name + "." + c.Parent}, Child: true, Columns: cleared(e.Personal[c.Name])})
		}
	}
	return append(all, Owner{Table: "sync_history_events", Customer: "customer_id", Columns: map[string]Treatment{"metadata": EventData, "_extra": Unnamed}})
}

// cleared are the columns that an erasure clears.
func cleared(p Personal) map[string]Treatment {
	columns := map[string]Treatment{"_extra": Unnamed}
	for column, treatment := range p.Columns() {
		if treatment != None && treatment != Region {
			columns[column] = treatment
		}
	}
	return columns
}

// ownersNamed are the tables whose rows name their customer otherwise than by customer_id alone.
func ownersNamed() map[string]Owner {
	of := func(parents string) Owner { return Owner{Parents: strings.Fields(parents)} }
	return map[string]Owner{
		"customers":        {Customer: "id"},
		"customers_export": {Customer: "id"},
		"members":          {Emails: []string{"email"}},
		"customer_seats":   {Emails: []string{"email", "customer_email"}},
		// One that was given up before it was paid has no customer.
		"checkouts": {Emails: []string{"customer_email"}, Names: []string{"external_customer_id", "customer_external_id"}},
		// The organization may name the customer by its own id.
		"events":                  {Names: []string{"external_customer_id"}, Columns: map[string]Treatment{"metadata": EventData, "external_customer_id": Pseudonym}},
		"payments":                of("orders.order_id checkouts.checkout_id"),
		"license_key_activations": of("license_keys.license_key_id"),
		// The files name no ids: syncd finds out later whose rows they are.
		"orders_export":        {Emails: []string{"email"}, Parents: []string{"orders.order_id"}},
		"subscriptions_export": {Emails: []string{"email"}, Parents: []string{"subscriptions.subscription_id"}},
	}
}
