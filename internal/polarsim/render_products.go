package polarsim

import "strconv"

func (w *World) renderProduct(o *object, n Ref) {
	p := &w.products[n]
	o.open()
	w.productFields(o, n)
	o.bool("is_deletable", !p.Sold)
	list(o, "prices", w.catalogPrices(n), w.renderPrice)
	list(o, "benefits", w.liveBenefits(n), w.renderBenefit)
	list(o, "medias", p.Medias, w.renderMedia)
	w.attachedFields(o, n)
	o.close()
}

func (w *World) attachedFields(o *object, n Ref) {
	p := &w.products[n]
	order := 0
	list(o, "attached_custom_fields", p.CustomFields, func(o *object, f AttachedField) {
		o.open()
		w.ref(o, "custom_field_id", KindCustomField, f.Field)
		o.key("custom_field")
		w.renderCustomField(o, f.Field)
		o.int("order", int64(order))
		order++
		o.bool("required", f.Required)
		o.close()
	})
}

// liveBenefits are those of a product that are not deleted, in the product's order.
func (w *World) liveBenefits(n Ref) []Ref {
	live := make([]Ref, 0, 8)
	for _, b := range w.products[n].Benefits {
		if w.benefits[b].DeletedAt == 0 {
			live = append(live, b)
		}
	}
	return live
}

// catalogPrices are the prices that the product shows: neither archived nor made for one customer.
func (w *World) catalogPrices(n Ref) []Ref {
	shown := make([]Ref, 0, 8)
	for _, p := range w.products[n].Prices {
		if !w.prices[p].Archived && !w.prices[p].AdHoc {
			shown = append(shown, p)
		}
	}
	return shown
}

func (w *World) productFields(o *object, n Ref) {
	w.productBase(o, n)
	o.raw("metadata", w.products[n].Metadata)
}

// productBase are the fields that a checkout shows to whoever has its secret: no metadata.
func (w *World) productBase(o *object, n Ref) {
	p := &w.products[n]
	o.id("id", w.id(KindProduct, int(n)))
	o.times(p.CreatedAt, p.ModifiedAt)
	o.text("trial_interval", p.TrialInterval)
	o.count("trial_interval_count", int64(p.TrialCount))
	o.str("name", p.Name)
	o.text("description", p.Description)
	o.str("visibility", p.Visibility)
	o.text("recurring_interval", p.Interval)
	o.count("recurring_interval_count", int64(p.IntervalCount))
	o.text("meter_interval", p.MeterInterval)
	o.count("meter_interval_count", int64(p.MeterIntervalCount))
	o.bool("is_recurring", p.Recurring())
	o.bool("is_archived", p.Archived)
	w.organization(o)
}

func (w *World) renderPrice(o *object, n Ref) {
	p := &w.prices[n]
	product := &w.products[p.Product]
	o.open()
	o.times(p.CreatedAt, p.ModifiedAt)
	o.id("id", w.id(KindPrice, int(n)))
	if p.AdHoc {
		o.str("source", "ad_hoc")
	} else {
		o.str("source", "catalog")
	}
	o.str("amount_type", p.Kind)
	o.str("price_currency", p.Currency)
	o.text("tax_behavior", p.TaxBehavior)
	o.bool("is_archived", p.Archived)
	w.ref(o, "product_id", KindProduct, p.Product)
	switch {
	case p.LegacyInterval != "":
		o.str("type", "recurring")
		o.str("recurring_interval", p.LegacyInterval)
	case product.Recurring():
		o.str("type", "recurring")
		o.str("recurring_interval", product.Interval)
	default:
		o.str("type", "one_time")
		o.null("recurring_interval")
	}
	switch p.Kind {
	case PriceFixed:
		o.int("price_amount", p.Amount)
	case PriceCustom:
		o.int("minimum_amount", p.Min)
		o.count("maximum_amount", p.Max)
		o.count("preset_amount", p.Preset)
	case PriceMetered:
		o.str("unit_amount", p.UnitAmount)
		o.count("cap_amount", p.Cap)
		w.ref(o, "meter_id", KindMeter, p.Meter)
		m := &w.meters[p.Meter]
		o.key("meter")
		o.open()
		w.ref(o, "id", KindMeter, p.Meter)
		o.str("name", m.Name)
		o.str("unit", m.Unit)
		o.text("custom_label", m.Label)
		o.count("custom_multiplier", int64(m.Multiplier))
		o.close()
	case PriceSeats:
		w.seatTiers(o, p)
	case PriceUnits:
		w.unitTiers(o, p)
	}
	if p.LegacyInterval != "" {
		o.bool("legacy", true)
	}
	o.close()
}

// unitTiers is what a price by units has (polarsource/polar, server/polar/product/schemas.py).
func (w *World) unitTiers(o *object, p *Price) {
	o.key("tiers")
	o.open()
	if p.Graduated {
		o.str("type", "graduated")
	} else {
		o.str("type", "volume")
	}
	list(o, "tiers", p.Tiers, func(o *object, t Tier) {
		o.open()
		o.count("bound", int64(t.Max))
		o.str("unit_amount", strconv.FormatInt(t.PerSeat, 10))
		o.close()
	})
	o.close()
	o.count("minimum_units", p.MinUnits)
	if p.UnitLabel == "" {
		o.null("unit_label")
	} else {
		o.raw("unit_label", p.UnitLabel)
	}
	o.null("maximum_units")
}

func (w *World) seatTiers(o *object, p *Price) {
	o.key("seat_tiers")
	o.open()
	if p.Graduated {
		o.str("seat_tier_type", "graduated")
	} else {
		o.str("seat_tier_type", "volume")
	}
	list(o, "tiers", p.Tiers, func(o *object, t Tier) {
		o.open()
		o.int("min_seats", int64(t.Min))
		o.count("max_seats", int64(t.Max))
		o.int("price_per_seat", t.PerSeat)
		o.close()
	})
	o.int("minimum_seats", int64(p.Tiers[0].Min))
	o.count("maximum_seats", int64(p.Tiers[len(p.Tiers)-1].Max))
	o.close()
	o.int("price_per_seat", p.Tiers[0].PerSeat)
}

func (w *World) renderBenefit(o *object, n Ref) {
	b := &w.benefits[n]
	o.open()
	w.benefitFields(o, n)
	o.raw("metadata", b.Metadata)
	o.str("visibility", b.Visibility)
	o.raw("properties", b.Properties)
	o.bool("visibility_configurable", b.visibilityOpen())
	if b.Type == "custom" || b.Type == "slack_shared_channel" {
		o.bool("is_tax_applicable", false)
	}
	o.close()
}

func (w *World) renderMedia(o *object, m Media) {
	id := w.id(KindMedia, m.N)
	path := "product_media/" + w.id(KindOrganization, 0).String() + "/" + id.String() + "/" + m.Name
	o.open()
	o.id("id", id)
	w.organization(o)
	o.str("name", m.Name)
	o.str("path", path)
	o.str("mime_type", m.Mime)
	o.int("size", m.Size)
	o.stored(m.N, mediaEtag, m.N%2 == 1, m.CreatedAt)
	if m.N == 1 {
		o.str("version", "v1")
	} else {
		o.null("version")
	}
	o.str("service", "product_media")
	o.bool("is_uploaded", true)
	o.time("created_at", m.CreatedAt)
	o.str("size_readable", strconv.FormatFloat(float64(m.Size)/1024, 'f', 1, 64)+" KB")
	o.str("public_url", "https://files.simulated-tools.example/"+id.String())
	o.close()
}

func (w *World) renderCustomField(o *object, n Ref) {
	f := &w.customFields[n]
	o.open()
	o.times(f.CreatedAt, f.ModifiedAt)
	o.id("id", w.id(KindCustomField, int(n)))
	o.raw("metadata", f.Metadata)
	o.str("type", f.Type)
	o.str("slug", f.Slug)
	o.str("name", f.Name)
	w.organization(o)
	o.raw("properties", f.Properties)
	o.close()
}

// discount appends an embedded discount, which has no products.
func (w *World) discount(o *object, key string, n Ref) {
	if n == None {
		o.null(key)
		return
	}
	o.key(key)
	o.open()
	w.discountFields(o, n)
	o.close()
}

// discountFields are those that an embedded discount has too.
func (w *World) discountFields(o *object, n Ref) {
	d := &w.discounts[n]
	w.discountKind(o, d)
	o.times(d.CreatedAt, d.ModifiedAt)
	o.id("id", w.id(KindDiscount, int(n)))
	o.raw("metadata", d.Metadata)
	o.str("name", d.Name)
	o.text("code", d.Code)
	o.time("starts_at", d.StartsAt)
	o.time("ends_at", d.EndsAt)
	o.count("max_redemptions", int64(d.MaxRedemptions))
	o.count("max_redemptions_per_customer", int64(d.PerCustomer))
	o.int("redemptions_count", int64(d.Redemptions))
	w.organization(o)
}

// discountKind writes how much a discount takes off, and for how long.
func (w *World) discountKind(o *object, d *Discount) {
	o.str("duration", d.Duration)
	if d.Duration == "repeating" {
		o.int("duration_in_months", int64(d.Months))
	}
	if d.BasisPoints > 0 {
		o.str("type", "percentage")
		o.int("basis_points", int64(d.BasisPoints))
	} else {
		o.str("type", "fixed")
		o.int("amount", d.Amounts["usd"])
		o.str("currency", "usd")
		o.key("amounts")
		o.open()
		for _, c := range []string{"usd", "eur", "jpy"} {
			if v, ok := d.Amounts[c]; ok {
				o.int(c, v)
			}
		}
		o.close()
	}
}
