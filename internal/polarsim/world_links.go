package polarsim

import "iter"

// addMember appends a row and links it to its customer; so do the functions below. Each gives the number of the new row.
func (w *World) addMember(m Member) Ref {
	n, c := Ref(len(w.members)), &w.customers[m.Customer]
	m.Before, c.LastMember = c.LastMember, n
	w.members = append(w.members, m)
	return n
}

func (w *World) addSubscription(s Subscription) Ref {
	n, c := Ref(len(w.subscriptions)), &w.customers[s.Customer]
	s.Before, c.LastSubscription = c.LastSubscription, n
	w.subscriptions = append(w.subscriptions, s)
	w.sold(s.Product)
	return n
}

func (w *World) addCustomerMeter(m CustomerMeter) Ref {
	n, c := Ref(len(w.customerMeters)), &w.customers[m.Customer]
	m.Before, c.LastMeter = c.LastMeter, n
	w.customerMeters = append(w.customerMeters, m)
	return n
}

// membersOf ranges over the members of a customer, newest first, deleted ones too.
func (w *World) membersOf(n Ref) iter.Seq2[Ref, *Member] {
	return func(yield func(Ref, *Member) bool) {
		for m := w.customers[n].LastMember; m != None; m = w.members[m].Before {
			if !yield(m, &w.members[m]) {
				return
			}
		}
	}
}

// subscriptionsOf ranges over the subscriptions of a customer, newest first.
func (w *World) subscriptionsOf(n Ref) iter.Seq2[Ref, *Subscription] {
	return func(yield func(Ref, *Subscription) bool) {
		for s := w.customers[n].LastSubscription; s != None; s = w.subscriptions[s].Before {
			if !yield(s, &w.subscriptions[s]) {
				return
			}
		}
	}
}

// metersOf ranges over the customer meters of a customer, newest first.
func (w *World) metersOf(n Ref) iter.Seq2[Ref, *CustomerMeter] {
	return func(yield func(Ref, *CustomerMeter) bool) {
		for m := w.customers[n].LastMeter; m != None; m = w.customerMeters[m].Before {
			if !yield(m, &w.customerMeters[m]) {
				return
			}
		}
	}
}
