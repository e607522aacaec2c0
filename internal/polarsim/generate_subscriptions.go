package polarsim

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// makeSales gives every customer the subscriptions and orders of its past, as many orders as its quota says.
func (g *generator) makeSales() {
	r := g.random(randOrders)
	g.draw = r
	g.orders = make([]Order, 0, g.opts.Orders+g.opts.Orders/16)
	for n := range g.customers {
		left := int(g.quotas[n])
		for tries := 0; left > 0 && tries < 4 && chance(r, 850); tries++ {
			left -= g.makeSubscription(r, Ref(n), left)
		}
		for left > 0 {
			left -= g.makePurchase(r, Ref(n))
		}
		if chance(r, 30) {
			g.makeIncompleteSubscription(r, Ref(n))
		}
	}
	g.tieOrders(r)
	// From here on, an order's number follows from its time, as that of new ones will.
	slices.SortStableFunc(g.orders, func(a, b Order) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
}

// Products that are sold by subscription, more popular ones more often; and once.
var (
	subscribable = []Ref{productFree, productPro, productPro, productPro, productProYear, productTeam, productTeam, productMetered, productUsage, productWeekly,
		productQuarter, productLegacy, productProCase, productPrivate, productArchivedPrice, productArchivedPrice}
	buyable = []Ref{productLifetime, productSponsor, productSponsor, productBook, productBook, productTemplates}
)

// sale is what a customer pays for a product: the prices that apply and their sum for a period, metered usage aside.
func (g *generator) sale(r *rand.Rand, product Ref, currency string, at Time) (prices []Ref, amount int64, seats int32) {
	p := &g.products[product]
	for _, n := range p.Prices {
		price := &g.prices[n]
		if price.Currency != currency || price.AdHoc || (price.LegacyInterval != "" && price.Kind == PriceCustom) || price.CreatedAt > max(at, p.CreatedAt+hour) {
			continue
		}
		if price.Archived && at > price.ModifiedAt {
			continue
		}
		prices = append(prices, n)
		switch price.Kind {
		case PriceFixed:
			amount += price.Amount
		case PriceCustom:
			amount += max(price.Min, 100*int64(r.IntN(60)))
		case PriceSeats:
			seats = int32(1 + r.IntN(70))
			amount += price.forSeats(int(seats))
		}
	}
	return prices, amount, seats
}

// forSeats is the amount for a number of seats: all at the price of the tier reached, or each tier at its own where the tiers are graduated.
func (p *Price) forSeats(seats int) int64 {
	var sum int64
	for _, t := range p.Tiers {
		if seats < t.Min {
			break
		}
		if !p.Graduated {
			sum = int64(seats) * t.PerSeat
			continue
		}
		top := seats
		if t.Max > 0 {
			top = min(top, t.Max)
		}
		sum += int64(top-t.Min+1) * t.PerSeat
	}
	return sum
}

// forUnits is the amount for a number of units, likewise: their tiers have upper bounds only.
func (p *Price) forUnits(units int) int64 {
	var sum int64
	below := 0
	for _, t := range p.Tiers {
		top := units
		if t.Max > 0 {
			top = min(top, t.Max)
		}
		switch {
		case p.Graduated:
			sum += int64(top-below) * t.PerSeat
		case below < units:
			sum = int64(units) * t.PerSeat
		}
		below = top
	}
	return sum
}

func discountFor(r *rand.Rand) Ref {
	if chance(r, 120) {
		return Ref(r.IntN(5))
	}
	return None
}

// makeSubscription makes one subscription with its orders, at most quota of them, and tells how many.
func (g *generator) makeSubscription(r *rand.Rand, n Ref, quota int) int {
	c := &g.customers[n]
	product := pick(r, subscribable)
	p := &g.products[product]
	s := Subscription{Customer: n, Product: product, Discount: discountFor(r), Checkout: None, Interval: p.Interval, IntervalCount: p.IntervalCount,
		Currency: c.Currency, PendingProduct: None, Status: SubActive}
	// Begin no earlier than the quota reaches back from today, so that most subscriptions are still alive.
	earliest := max(c.CreatedAt+minute, p.CreatedAt+minute, g.now.after(s.Interval, -quota*s.IntervalCount)+minute)
	if earliest >= g.now-hour {
		return g.makePurchase(r, n)
	}
	s.StartedAt = earliest + Time(r.Int64N(int64(g.now-hour-earliest)))
	s.CreatedAt = s.StartedAt
	if chance(r, 80) { // imported: the start is that of the old provider, to the second
		s.StartedAt = s.StartedAt.floor(hour)
		s.CreatedAt = min(g.now-minute, s.StartedAt+Time(2+r.IntN(30))*hour+77)
	}
	s.Prices, s.Amount, s.Seats = g.sale(r, product, c.Currency, s.StartedAt)
	s.Anchor = s.StartedAt
	if len(s.Prices) == 1 && chance(r, 20) { // a price made for this customer alone
		adHoc := g.prices[s.Prices[0]]
		adHoc.AdHoc, adHoc.CreatedAt, adHoc.ModifiedAt = true, s.CreatedAt-second, 0
		if adHoc.Kind == PriceFixed && adHoc.Amount > 100 && adHoc.LegacyInterval == "" {
			adHoc.Amount -= 100
			s.Prices = []Ref{g.price(adHoc)}
			s.Amount = adHoc.Amount
		}
	}
	if chance(r, 250) {
		s.Metadata = pick(r, metadatas)
	}
	if product == productPro && chance(r, 600) {
		s.CustomFields = pick(r, fieldAnswers)
	}
	if p.TrialInterval != "" && quota > 1 && chance(r, 400) {
		s.TrialStart, s.TrialEnd = s.StartedAt, s.StartedAt.after(p.TrialInterval, p.TrialCount)
		s.Anchor = s.TrialEnd
	}
	s.Checkout = g.addCheckout(r, s.CreatedAt, product, n, true)
	g.attachMeters(&s)
	number := g.addSubscription(s)
	return g.makePeriods(r, number, quota)
}

// attachMeters gives a subscription a row for each metered price.
func (w *World) attachMeters(s *Subscription) {
	for _, n := range s.Prices {
		if price := &w.prices[n]; price.Kind == PriceMetered {
			s.Meters = append(s.Meters, SubscriptionMeter{CreatedAt: s.CreatedAt, Meter: price.Meter})
		}
	}
}

// makePeriods makes an order for each period of a new subscription that has begun, until today, its end, or the end of the quota. It returns their
// number.
func (g *generator) makePeriods(r *rand.Rand, number Ref, quota int) int {
	s := &g.subscriptions[number]
	used := 0
	if s.TrialEnd != 0 {
		g.appendOrder(g.trialOrder(number, s.CreatedAt+second))
		used++
		if s.TrialEnd > g.now {
			s.Status, s.PeriodStart, s.PeriodEnd, s.Cycle = SubTrialing, s.TrialStart, s.TrialEnd, -1
			g.drawState(r, s)
			return used
		}
		s.ModifiedAt = s.TrialEnd + 3*second
	}
	life := 1 + r.IntN(60) // periods until the customer leaves; three in ten do early
	if chance(r, 700) {
		life = 1 << 20
	}
	for cycle := 0; ; cycle++ {
		begin, end := s.Anchor.after(s.Interval, cycle*s.IntervalCount), s.Anchor.after(s.Interval, (cycle+1)*s.IntervalCount)
		if cycle > 0 && (begin > g.now-minute || cycle >= life || used >= quota) {
			g.endSubscription(r, s, cycle, begin)
			return used
		}
		s.PeriodStart, s.PeriodEnd, s.Cycle = begin, end, cycle
		g.dropExpiredDiscount(s)
		at := begin + Time(1_000_000+r.IntN(40_000_000))
		if cycle == 0 && s.TrialEnd == 0 {
			at = max(s.CreatedAt, begin) + Time(400_000+r.IntN(900_000))
		} else {
			s.ModifiedAt = at
		}
		if used < quota {
			g.appendOrder(g.cycleOrder(r, number, min(at, g.now-10*second), cycle == 0 && s.TrialEnd == 0))
			used++
		}
		if used < quota && s.Seats > 0 && chance(r, 60) {
			g.appendOrder(g.seatsOrder(r, number, min(begin+(end-begin)/2, g.now-10*second)))
			used++
		}
		if end > g.now {
			g.drawState(r, s)
			return used
		}
	}
}

// endSubscription closes a subscription whose period ended and that was not renewed.
func (g *generator) endSubscription(r *rand.Rand, s *Subscription, cycle int, at Time) {
	if at > g.now-minute { // the period goes on
		g.drawState(r, s)
		return
	}
	s.Status, s.EndedAt, s.EndsAt = SubCanceled, at, at
	s.CanceledAt = max(s.StartedAt, at-Time(r.Int64N(int64(20*day))))
	s.CancelAtPeriodEnd = chance(r, 700)
	if !s.CancelAtPeriodEnd {
		s.CanceledAt = at
	}
	s.ModifiedAt = at + second
	g.giveReason(r, s)
}

var cancellationReasonNames = []string{"customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive", "unused", "other", ""}

func (w *World) giveReason(r *rand.Rand, s *Subscription) {
	s.CancellationReason, s.CancellationComment = pick(r, cancellationReasonNames), pick(r, cancellationComments)
}

// drawState picks the state of a subscription in its current period: canceled at its end, past due, paused, unpaid, with a pending change, or none.
func (g *generator) drawState(r *rand.Rand, s *Subscription) {
	s.Scheduled = s.PeriodEnd
	recent := func() Time { return s.PeriodStart + Time(r.Int64N(int64(max(g.now-s.PeriodStart, 2)))) }
	switch p := r.IntN(100); {
	case p < 9:
		s.CancelAtPeriodEnd, s.CanceledAt, s.EndsAt = true, recent(), s.PeriodEnd
		s.ModifiedAt = s.CanceledAt
		g.giveReason(r, s)
	case s.Status == SubTrialing:
	case p < 12 && s.Cycle > 0 && s.Amount > 0:
		s.Status, s.PastDueAt = SubPastDue, s.PeriodStart+20*second
		s.ModifiedAt = s.PastDueAt
	case p < 14 && s.Cycle > 0:
		s.Status, s.PausedAt = SubPaused, recent()
		s.ModifiedAt = s.PausedAt
		s.Scheduled = 0
		if chance(r, 500) {
			s.ResumesAt = g.now + Time(1+r.IntN(40))*day
			s.Scheduled = s.ResumesAt
		}
	case p < 15 && s.Cycle > 0 && s.Amount > 0:
		s.Status, s.Scheduled = SubUnpaid, 0
	case p < 17:
		s.PauseAtPeriodEnd = true
		s.ModifiedAt = recent()
	case p < 20:
		s.PendingAppliesAt, s.PendingCreatedAt = s.PeriodEnd, recent()
		if s.Seats > 0 {
			s.PendingSeats = s.Seats + 5
		} else {
			s.PendingProduct = productPro
		}
	}
}

// makeIncompleteSubscription makes a subscription whose first payment never arrived. It has no start, and the API hides it.
func (g *generator) makeIncompleteSubscription(r *rand.Rand, n Ref) {
	c := &g.customers[n]
	s := Subscription{Customer: n, Product: productPro, Discount: None, Checkout: None, Interval: "month", IntervalCount: 1, Currency: c.Currency, PendingProduct: None,
		Status: SubIncomplete, CreatedAt: min(g.now-minute, max(c.CreatedAt, g.start+2*day)+Time(r.Int64N(int64(30*day))))}
	if chance(r, 400) {
		s.Status, s.ModifiedAt = SubIncompleteExpired, min(g.now, s.CreatedAt+day)
	}
	s.Anchor, s.PeriodStart, s.PeriodEnd = s.CreatedAt, s.CreatedAt, s.CreatedAt.after("month", 1)
	s.Prices, s.Amount, s.Seats = g.sale(r, productPro, c.Currency, s.CreatedAt)
	if chance(r, 300) { // somebody has tidied up
		s.EndedAt = min(g.now, s.CreatedAt+Time(30+r.IntN(300))*day)
		s.EndsAt = s.EndedAt
	}
	g.addSubscription(s)
}

// tieOrders gives runs of orders the same created_at: runs longer than a page where there are enough orders, and short ones.
func (g *generator) tieOrders(r *rand.Rand) {
	if len(g.orders) < 500 {
		for i := 0; i+2 < len(g.orders); i += 29 {
			g.giveOneTime(i, i+2)
		}
		return
	}
	for i := 0; i+230 < len(g.orders); i += 20_000 {
		g.giveOneTime(i+100, i+230)
	}
	for i := 300; i+4 < len(g.orders); i += 150 + r.IntN(300) {
		g.giveOneTime(i, i+1+r.IntN(4))
	}
}

// giveOneTime sets created_at of the orders [from, to) to the latest of theirs, cut to the second.
func (g *generator) giveOneTime(from, to int) {
	var at Time
	for i := from; i < to; i++ {
		at = max(at, min(g.orders[i].CreatedAt+second, g.now-10*second).floor(second))
	}
	for i := from; i < to; i++ {
		g.orders[i].CreatedAt = at
	}
}
