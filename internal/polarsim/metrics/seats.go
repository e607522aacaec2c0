package metrics

import (
	"iter"
)

// Seat is what metrics look at of a seat that was assigned. Payer is whose subscription or order it belongs to.
type Seat struct {
	Payer                           int32
	CreatedAt, ClaimedAt, RevokedAt Time // ClaimedAt, RevokedAt: 0 = not
}

// seats counts the seats that are assigned at the end of each period, and the customers who pay for them (polarsource/polar,
// server/polar/metrics/queries.py get_seats_cte, get_new_seat_customers_cte, get_churned_seat_customers_cte).
func (v *Values) seats(rows iter.Seq[*Seat]) {
	n := v.Periods()
	total, claimed := v.ints("seats_total"), v.ints("seats_claimed")
	payers := map[int32]*seatPayer{}
	var spans []span
	for s := range rows {
		created := v.index(s.CreatedAt)
		p := payers[s.Payer]
		if p == nil {
			p = &seatPayer{first: created}
			payers[s.Payer] = p
		}
		p.add(s, created)
		if s.CreatedAt > v.last || (s.RevokedAt != 0 && s.RevokedAt < v.first) {
			continue
		}
		from, to := max(created, 0), n
		if s.RevokedAt != 0 {
			to = min(v.index(s.RevokedAt), n)
		}
		if from >= to {
			continue
		}
		add(total, from, to, 1)
		if s.ClaimedAt != 0 {
			add(claimed, min(max(v.index(s.ClaimedAt), from), to), to, 1)
		}
		spans = append(spans, span{s.Payer, int32(from), int32(to)})
		if created == p.first {
			p.assigned = true
		}
	}
	accumulate(total)
	accumulate(claimed)
	v.int("seats_pending", func(i int) int64 { return total[i] - claimed[i] })
	customers := countDistinct(spans, n)
	v.int("seat_customers", func(i int) int64 { return customers[i] })
	came, went := v.ints("new_seat_customers"), v.ints("churned_seat_customers")
	for _, p := range payers {
		if p.assigned && p.first >= 0 {
			came[p.first]++
		}
		if end := v.index(p.revoked); !p.keeps && end >= 0 && end < n {
			went[end]++
		}
	}
}

// seatPayer is a customer who pays for seats, or did.
type seatPayer struct {
	first    int  // period of the first seat that was made
	assigned bool // one of that period is assigned at its end
	keeps    bool // a seat that was not taken back
	revoked  Time // when the last one was
}

func (p *seatPayer) add(s *Seat, created int) {
	if created < p.first {
		p.first, p.assigned = created, false
	}
	if s.RevokedAt == 0 {
		p.keeps = true
	}
	p.revoked = max(p.revoked, s.RevokedAt)
}
