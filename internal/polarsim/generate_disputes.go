package polarsim

import "math/rand/v2"

// makeDisputesAndOpenCheckouts makes disputes, and checkouts that are not completed.
func (g *generator) makeDisputesAndOpenCheckouts() {
	r := g.random(randAfter)
	g.makeDisputes(r)
	for range 3 + len(g.checkouts)/500 {
		g.visit(r, g.now-Time(1+r.Int64N(int64(day-minute))))
	}
	for _, status := range []string{"confirmed", "failed"} {
		g.visit(r, g.now-Time(1+r.Int64N(int64(hour))))
		c := &g.checkouts[len(g.checkouts)-1]
		c.Status, c.ModifiedAt = status, c.CreatedAt+second
	}
}

var disputeStatuses = []string{"early_warning", "needs_response", "under_review", "lost", "won", "needs_response"}

// makeDisputes opens disputes about some payments. A refund with the reason dispute_prevention has a prevented one.
func (g *generator) makeDisputes(r *rand.Rand) {
	prevented := map[Ref]Ref{} // refunds by order
	for i := range g.refunds {
		if g.refunds[i].Reason == "dispute_prevention" {
			prevented[g.refunds[i].Order] = Ref(i)
		}
	}
	for i := range g.payments {
		p := &g.payments[i]
		if p.Order == None || p.Status != "succeeded" {
			continue
		}
		if refund, ok := prevented[p.Order]; ok {
			at := g.refunds[refund].CreatedAt
			g.disputes = append(g.disputes, Dispute{CreatedAt: at - second, ModifiedAt: at, Status: "prevented", Order: p.Order, Payment: Ref(i), Refund: refund + 1})
			continue
		}
		if at := p.CreatedAt + Time(r.Int64N(int64(60*day))); chance(r, 8) && at < g.now-minute {
			d := Dispute{CreatedAt: at, Status: pick(r, disputeStatuses), Reason: pick(r, disputeReasons), Order: p.Order, Payment: Ref(i), Case: chance(r, 500)}
			if d.Status != "needs_response" {
				d.ModifiedAt = min(g.now-second, at+day)
			}
			g.disputes = append(g.disputes, d)
		}
	}
}
