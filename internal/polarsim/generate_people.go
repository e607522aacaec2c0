package polarsim

import (
	"cmp"
	"math/rand/v2"
	"strconv"
	"strings"
)

// makeCustomers makes the customers and their members. One in five came with an import: backdated, with times of a whole second that a batch shares.
func (g *generator) makeCustomers() {
	r := g.random(randCustomers)
	n := g.opts.Customers
	span := g.now - g.start - hour
	g.customers = make([]Customer, 0, n+n/8)
	g.members = make([]Member, 0, n*3/2)
	var batch Time // when the rows of the current import batch were made at their old provider
	left := 0
	for i := range n {
		c := g.newCustomer(r, i)
		c.CreatedAt = g.start + hour + span/Time(n)*Time(i) + Time(r.Int64N(int64(span/Time(n))+1))
		if left == 0 && chance(r, 40) {
			left, batch = 2+r.IntN(9), (c.CreatedAt - Time(r.IntN(400))*day).floor(second)
		} else if left > 0 {
			left--
			c.CreatedAt = batch
		}
		if chance(r, 400) {
			c.ModifiedAt = min(g.now-second, c.CreatedAt+Time(1+r.Int64N(int64(g.now-c.CreatedAt))))
		}
		if chance(r, 300) {
			c.FirstUserEventAt = min(g.now-second, c.CreatedAt+Time(r.Int64N(int64(60*day))))
		}
		g.customers = append(g.customers, c)
		g.addMembers(r, Ref(i))
	}
}

// deleteCustomers deletes some customers, after the last of their orders. Their subscriptions ended minutes later.
func (g *generator) deleteCustomers() {
	r := g.random(randDepartures)
	last := make([]Time, len(g.customers))
	for i := range g.orders {
		o := &g.orders[i]
		last[o.Customer] = max(last[o.Customer], o.CreatedAt, o.ModifiedAt)
	}
	for i := range g.customers {
		if !chance(r, 30) || i <= 2 {
			continue
		}
		from := max(last[i], g.customers[i].CreatedAt, g.customers[i].ModifiedAt)
		at := from + Time(r.Int64N(int64(max(g.now-minute-from, 1))))
		g.deleteCustomer(Ref(i), at, chance(r, 500) && !g.opts.Named)
		for _, s := range g.subscriptionsOf(Ref(i)) {
			if end := at + 5*minute; s.EndedAt == 0 && s.StartedAt != 0 && end <= g.now {
				s.CanceledAt = cmp.Or(s.CanceledAt, end)
				s.endNow(end)
			}
		}
	}
}

// newCustomer makes a random customer without times. i makes the email address unique.
func (w *World) newCustomer(r *rand.Rand, i int) Customer {
	given, family := pick(r, givenNames), pick(r, familyNames)
	at := places[r.IntN(len(places))]
	c := Customer{Team: chance(r, 150), EmailVerified: chance(r, 700), HasCard: chance(r, 750), Currency: at.currency, LastMember: None, LastSubscription: None, LastMeter: None}
	number := strconv.Itoa(i)
	c.Email = plainLetters(given) + "." + plainLetters(family) + "+" + number + "@mail" + strconv.Itoa(r.IntN(9)) + ".example"
	if chance(r, 20) {
		c.Email = strings.ToUpper(c.Email[:1]) + c.Email[1:]
	}
	if !chance(r, 80) {
		c.Name = given + " " + family
	}
	if chance(r, 350) {
		c.ExternalID = "user_" + strconv.FormatUint(mix(w.seed+uint64(i))>>20, 36)
	} else if chance(r, 50) {
		c.ExternalID = "tenant/" + number + "?ü=1&x y"
	}
	if chance(r, 400) {
		c.Locale = at.locale
	}
	if chance(r, 600) {
		c.Address = &at.address
	}
	if c.Team {
		c.Name = pick(r, companies) + " " + pick(r, companyForms)
		c.BillingName = c.Name
		if chance(r, 200) {
			c.Email = ""
		}
		if chance(r, 600) && at.taxID[0] != "" {
			c.TaxID = &at.taxID
		}
	} else if chance(r, 120) {
		c.BillingName = family + " & " + pick(r, companyForms)
	}
	if chance(r, 300) {
		c.Metadata = pick(r, metadatas)
	}
	return c
}

// plainLetters keeps the ASCII letters of a name in lower case.
func plainLetters(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		if c := name[i] | 0x20; 'a' <= c && c <= 'z' {
			b = append(b, c)
		}
	}
	if len(b) == 0 {
		return "user"
	}
	return string(b)
}

// addMembers gives a customer its owner and, to some, more members. An owner has its customer's creation time.
func (w *World) addMembers(r *rand.Rand, n Ref) {
	c := &w.customers[n]
	owner := Member{CreatedAt: c.CreatedAt, Customer: n, Email: c.Email, Name: c.Name, ExternalID: c.ExternalID, Role: "owner"}
	if owner.Email == "" {
		owner.Email = "owner@customer-" + strconv.Itoa(int(n)) + ".example"
	}
	w.addMember(owner)
	if !c.Team {
		return
	}
	for i := range r.IntN(5) {
		m := Member{CreatedAt: min(w.now-second, c.CreatedAt+Time(1+i)*Time(r.Int64N(int64(9*day)))), Customer: n, Role: "member",
			Email: "member" + strconv.Itoa(i) + "@customer-" + strconv.Itoa(int(n)) + ".example"}
		if i == 0 {
			m.Role = "billing_manager"
		}
		if chance(r, 700) {
			m.Name = pick(r, givenNames) + " " + pick(r, familyNames)
		}
		if chance(r, 300) {
			m.ExternalID = "m-" + strconv.Itoa(int(n)) + "-" + strconv.Itoa(i)
		}
		if chance(r, 200) {
			m.ModifiedAt = min(w.now-second, m.CreatedAt+day)
		}
		if chance(r, 60) {
			m.DeletedAt = min(w.now-second, m.CreatedAt+2*day)
			m.ModifiedAt = m.DeletedAt
		}
		w.addMember(m)
	}
}
