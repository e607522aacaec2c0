package polarsim

// Grant is a benefit that a customer has by a subscription. Grants follow from subscriptions and the benefits of their
// products, so they are worked out when asked for.
type Grant struct {
	Subscription, Benefit Ref
	At, Revoked           Time // granted, taken back; 0 = not yet, not
}

// grants are those of the whole organization as of one state of the world.
type grants struct {
	version uint64
	list    []Grant
}

// allGrants lists the grants in the order of subscriptions. One that was taken back keeps its row; one that is not given
// yet has neither time (polarsource/polar, server/polar/models/benefit_grant.py).
func (w *World) allGrants() []Grant {
	if kept := w.granted.Load(); kept != nil && kept.version == w.version {
		return kept.list
	}
	list := make([]Grant, 0, len(w.subscriptions))
	for i := range w.subscriptions {
		s := &w.subscriptions[i]
		for _, b := range w.products[s.Product].Benefits {
			if deleted := w.benefits[b].DeletedAt; deleted != 0 && deleted <= s.CreatedAt {
				continue // it was the product's no longer
			}
			g := Grant{Subscription: Ref(i), Benefit: b}
			if s.StartedAt != 0 {
				g.At = s.CreatedAt + second
				g.Revoked = w.revoked(s, g)
			}
			list = append(list, g)
		}
	}
	w.granted.Store(&grants{w.version, list})
	return list
}

// revoked is when a benefit was taken back: with the subscription or, if that was sooner, because the benefit was deleted; 0 = it was not.
func (w *World) revoked(s *Subscription, g Grant) (at Time) {
	if !s.entitled() {
		at = max(g.At, s.EndedAt, s.PastDueAt)
	}
	if deleted := w.benefits[g.Benefit].DeletedAt; deleted != 0 && (at == 0 || deleted < at) {
		at = max(g.At, deleted)
	}
	return at
}

// entitled tells whether the subscription gives its product's benefits.
func (s *Subscription) entitled() bool { return s.Status == SubActive || s.Status == SubTrialing }

// since is when a grant was given; 0 if it was not, or was revoked.
func (g Grant) since() Time {
	if g.Revoked != 0 {
		return 0
	}
	return g.At
}

// number tells the grant, and its licence key, from others.
func (g Grant) number() Ref { return g.Subscription<<8 | g.Benefit }

func (w *World) grantID(g Grant) ID {
	return w.id(KindBenefitGrant, int(g.number()))
}
