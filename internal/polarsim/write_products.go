package polarsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
)

var intervals = []string{"day", "week", "month", "year"}

// createProduct makes a product with its prices.
func (c *call) createProduct() {
	f, ok := c.form()
	if !ok {
		return
	}
	f.organization()
	p := Product{Name: f.required("name", 3, 64), Description: f.text("description", 1<<20), Visibility: firstOf(f.enum("visibility", "draft", "private", "public"), "public"),
		Metadata: f.metadata(), Interval: f.enum("recurring_interval", intervals...), TrialInterval: f.enum("trial_interval", intervals...), TrialCount: int(f.int("trial_interval_count", 1))}
	if p.Interval != "" {
		p.IntervalCount = max(1, int(f.int("recurring_interval_count", 1)))
	}
	prices := c.prices(f, nil)
	if !f.sent("prices") {
		f.missing("prices")
	} else if len(prices) == 0 && len(f.list) == 0 {
		f.wrong("prices", "too_short", "List", 1, 0)
	}
	if c.invalid(f.problems) {
		return
	}
	w := c.w
	p.CreatedAt = w.stamp()
	n := Ref(len(w.products))
	w.products = append(w.products, p)
	for _, price := range prices {
		w.addPrice(n, price.Price, p.CreatedAt)
	}
	w.tellWebhooks("product.created", KindProduct, n)
	c.show("/v1/products/", n, http.StatusCreated)
}

func (w *World) addPrice(product Ref, p Price, at Time) Ref {
	p.Product, p.CreatedAt = product, at
	n := Ref(len(w.prices))
	w.prices = append(w.prices, p)
	w.products[product].Prices = append(slices.Clip(w.products[product].Prices), n)
	return n
}

// givenPrice is one of the prices of a body: a new one, or the number of one that stays.
type givenPrice struct {
	Price
	stays Ref
}

var decimal = regexp.MustCompile(`^\d{1,5}(\.\d{1,12})?$`)

// prices reads the prices of a body; those that stay are among the product's own.
func (c *call) prices(f *form, own []Ref) (prices []givenPrice) {
	if !f.sent("prices") || f.null("prices") {
		return nil
	}
	elements, _ := f.elements("prices")
	for i, r := range elements {
		e := &form{problems: f.problems, loc: append(f.at("prices"), i)}
		if err := json.Unmarshal(r, &e.fields); err != nil {
			f.pydantic("model_attributes_type", e.loc, r)
			continue
		}
		if e.sent("id") && own != nil {
			n := e.ref(c.w, "id", KindPrice, func(n Ref) bool { return slices.Contains(own, n) }, "Price does not exist.")
			prices = append(prices, givenPrice{stays: n})
			continue
		}
		prices = append(prices, givenPrice{Price: c.price(e), stays: None})
	}
	return prices
}

func (c *call) price(e *form) Price {
	p := Price{Kind: e.enum("amount_type", PriceFixed, PriceCustom, PriceMetered, PriceSeats, "free"), Currency: firstOf(e.enum("price_currency", "usd", "eur", "jpy"), "usd"), Meter: None,
		TaxBehavior: e.enum("tax_behavior", "location", "inclusive", "exclusive")}
	switch p.Kind {
	case "":
		e.add("union_tag_not_found", e.loc, "Unable to extract tag using discriminator 'amount_type'", e.fields, `{"discriminator":"'amount_type'"}`)
	case "free":
		p.Kind = PriceFixed
	case PriceFixed:
		if !e.sent("price_amount") {
			e.missing("price_amount")
		}
		p.Amount = e.int("price_amount", 0)
	case PriceCustom:
		p.Min, p.Max, p.Preset = e.int("minimum_amount", 0), e.int("maximum_amount", 0), e.int("preset_amount", 0)
		if !e.sent("minimum_amount") {
			p.Min = 50
		}
	case PriceMetered:
		amount := string(bytes.Trim(e.fields["unit_amount"], `"`))
		if !decimal.MatchString(amount) {
			e.wrong("unit_amount", "decimal_parsing")
		}
		p.UnitAmount, p.Cap = amount, e.int("cap_amount", 0)
		if p.Meter = e.ref(c.w, "meter_id", KindMeter, func(n Ref) bool { return int(n) < len(c.w.meters) }, "Meter does not exist."); p.Meter == None && len(e.list) == 0 {
			e.missing("meter_id")
		}
	case PriceSeats:
		p.Tiers, p.Graduated = e.tiers()
	}
	return p
}

// tiers reads seat_tiers.
func (f *form) tiers() (tiers []Tier, graduated bool) {
	sub, ok := f.under("seat_tiers")
	if !ok {
		f.missing("seat_tiers")
		return nil, false
	}
	var given []struct {
		Min   int   `json:"min_seats"`
		Max   *int  `json:"max_seats"`
		Price int64 `json:"price_per_seat"`
	}
	if err := json.Unmarshal(sub.fields["tiers"], &given); err != nil || len(given) == 0 {
		sub.wrong("tiers", "list_type")
		return nil, false
	}
	for i, t := range given {
		if t.Min < 1 || t.Price < 0 || i > 0 && t.Min != tiers[i-1].Max+1 {
			sub.add("value_error", append(sub.at("tiers"), i), "Value error, Gap or overlap between tiers", sub.fields["tiers"], "")
			return nil, false
		}
		tier := Tier{Min: t.Min, PerSeat: t.Price}
		if t.Max != nil {
			tier.Max = *t.Max
		}
		tiers = append(tiers, tier)
	}
	return tiers, sub.enum("seat_tier_type", "volume", "graduated") == "graduated"
}

// updateProduct changes a product. Prices that are not named again are archived, not removed, and a change of prices alone does not move
// modified_at.
func (c *call) updateProduct() {
	f, ok := c.form()
	if !ok {
		return
	}
	n, ok := c.product()
	if !ok {
		return
	}
	w, p := c.w, &c.w.products[n]
	name := p.Name
	if f.sent("name") && !f.null("name") {
		name = f.required("name", 3, 64)
	}
	description, visibility, archived, metadata := f.text("description", 1<<20), f.enum("visibility", "draft", "private", "public"), f.bool("is_archived"), f.metadata()
	trial, trialCount := f.enum("trial_interval", intervals...), f.int("trial_interval_count", 1)
	interval := f.enum("recurring_interval", intervals...)
	prices := c.prices(f, w.catalogPrices(n))
	if interval != "" && interval != p.Interval {
		f.refuse("recurring_interval", "value_error", "Recurring interval cannot be changed.")
	}
	if trial != "" && !p.Recurring() {
		f.refuse("trial_interval", "value_error", "Trial configuration is only supported on recurring products.")
	}
	if f.sent("prices") && !f.null("prices") && len(prices) == 0 {
		f.refuse("prices", "too_short", "At least one price is required.")
	}
	if c.invalid(f.problems) {
		return
	}
	w.version++
	w.changeRow(func() *Time { return &p.ModifiedAt }, func(o *object) { o.open(); w.productFields(o, n); o.close() }, func() {
		p.Name = name
		if f.sent("description") {
			p.Description = description
		}
		if visibility != "" {
			p.Visibility = visibility
		}
		if f.sent("is_archived") && !f.null("is_archived") {
			p.Archived = archived
		}
		if f.sent("metadata") {
			p.Metadata = metadata
		}
		if f.sent("trial_interval") {
			p.TrialInterval, p.TrialCount = trial, int(trialCount)
		}
	})
	if prices != nil {
		w.replacePrices(n, prices)
	}
	c.w.tellWebhooks("product.updated", KindProduct, n)
	c.show("/v1/products/", n, http.StatusOK)
}

// hasProduct tells whether there is such a product, and it was not deleted.
func (w *World) hasProduct(n Ref) bool {
	return n != None && int(n) < len(w.products) && w.products[n].DeletedAt == 0
}

// product finds the live product of the path.
func (c *call) product() (n Ref, ok bool) {
	n, ok = c.id("id", KindProduct, len(c.w.products))
	if ok && !c.w.hasProduct(n) {
		c.notFound()
		return None, false
	}
	return n, ok
}

// deleteProduct deletes a product that nobody has bought (https://polar.sh/docs/api-reference/products/delete). There is no webhook for it.
func (c *call) deleteProduct() {
	n, ok := c.product()
	if !ok {
		return
	}
	w, p := c.w, &c.w.products[n]
	if p.Sold {
		c.refuse(http.StatusConflict, "ProductNotDeletable", "This product cannot be deleted, as it was bought already.")
		return
	}
	p.DeletedAt = w.stamp()
	p.ModifiedAt = p.DeletedAt
	w.version++
	gone := func(of Ref) bool { return of == n }
	for i := range w.discounts {
		w.discounts[i].Products = slices.DeleteFunc(slices.Clone(w.discounts[i].Products), gone)
	}
	for i := range w.checkoutLinks { // one that has nothing left to sell goes as well
		l := &w.checkoutLinks[i]
		left := slices.DeleteFunc(slices.Clone(l.Products), gone)
		switch {
		case len(left) > 0:
			l.Products = left
		case l.DeletedAt == 0:
			l.DeletedAt, l.ModifiedAt = p.DeletedAt, p.DeletedAt
		}
	}
	c.status = http.StatusNoContent
}

// replacePrices archives the prices that do not stay and adds the new ones.
func (w *World) replacePrices(n Ref, prices []givenPrice) {
	at := w.stamp()
	for _, old := range w.catalogPrices(n) {
		if !slices.ContainsFunc(prices, func(p givenPrice) bool { return p.stays == old }) {
			w.prices[old].Archived, w.prices[old].ModifiedAt = true, at
		}
	}
	for _, p := range prices {
		if p.stays == None {
			w.addPrice(n, p.Price, at)
		}
	}
}
