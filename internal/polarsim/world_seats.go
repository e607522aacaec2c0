package polarsim

// seat is one of the seats of a subscription or order, assigned once.
type seat struct {
	number, place             int // place: among the seats of its owner
	at, modified              Time
	expires, claimed, revoked Time // of these one is set: until when an invitation holds, or when it was accepted, or the seat taken back
	email, metadata           string
}

func (s *seat) status() string {
	switch {
	case s.claimed != 0:
		return "claimed"
	case s.revoked != 0:
		return "revoked"
	}
	return "pending"
}

// seatEmails are the addresses of those who have seats, made once.
var seatEmails = func() (emails [26]string) {
	for i := range emails {
		emails[i] = "seat" + string(rune('a'+i)) + "@example.com"
	}
	return emails
}()

// seatsOf gives the seats of a subscription or order that were assigned, how many it has, and whose they are.
func (w *World) seatsOf(subscription, order Ref) (seats []seat, total int, customer Ref) {
	var at Time
	var owner int // a number of its own, for ids
	if subscription != None {
		s := &w.subscriptions[subscription]
		total, customer, at, owner = int(s.Seats), s.Customer, s.CreatedAt, int(subscription)
	} else {
		o := &w.orders[order]
		total, customer, at, owner = int(o.Seats), o.Customer, o.CreatedAt, int(order)|1<<40
	}
	seats = make([]seat, 0, total)
	for k := range total {
		s := seat{number: seatNumber(subscription, order, k), place: k, at: at + Time(k+1)*minute, email: seatEmails[k%len(seatEmails)]}
		if changed, is := w.seats[s.number]; is {
			seats = append(seats, changed)
			continue
		}
		if (k+owner)%4 == 3 {
			continue
		}
		if k%2 == 0 {
			s.metadata = `{"team":"é","desk":12}`
		}
		switch (k + owner/4) % 4 {
		case 0, 2:
			s.claimed = s.at + minute
		case 1:
			s.expires = s.at + 7*day
		case 3:
			s.revoked = at + Time(k+1)*day
		}
		seats = append(seats, s)
	}
	return seats, total, customer
}
