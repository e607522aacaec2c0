package polarsim

import "slices"

// readCheckoutLink reads what a body says of a checkout link: a new one needs products, one product or a price of one.
func readCheckoutLink(w *World, f *form, l *CheckoutLink, n Ref) {
	fresh := n == None
	if fresh {
		l.AllowDiscountCodes, l.Discount = true, None
		f.keptEnum("payment_processor", "", "", "stripe")
	}
	l.texts(f)
	if f.given("allow_discount_codes") {
		l.AllowDiscountCodes = f.bool("allow_discount_codes")
	}
	if f.given("require_billing_address") {
		l.NeedAddress = f.bool("require_billing_address")
	}
	if f.sent("seats") {
		l.Seats = int(f.within("seats", 1, 1000))
	}
	if f.sent("trial_interval") {
		l.TrialInterval = f.enum("trial_interval", intervals...)
	}
	if f.sent("trial_interval_count") {
		l.TrialCount = int(f.within("trial_interval_count", 1, 1000))
	}
	if f.sent("metadata") && (fresh || !f.null("metadata")) {
		l.Metadata = f.metadata()
	}
	l.sells(w, f, fresh)
	if !slices.ContainsFunc(l.Products, func(p Ref) bool { return w.products[p].Recurring() }) {
		l.TrialInterval, l.TrialCount = "", 0
	}
	if f.sent("discount_id") {
		l.Discount = f.ref(w, "discount_id", KindDiscount, func(d Ref) bool {
			return int(d) < len(w.discounts) && w.discounts[d].DeletedAt == 0 && w.discounts[d].fits(l.Products)
		}, "Discount does not exist or is not applicable to this product.")
	}
}

func (l *CheckoutLink) texts(f *form) {
	if f.sent("label") {
		l.Label = f.text("label", 1<<20)
	}
	if f.sent("success_url") {
		l.SuccessURL = f.url("success_url")
	}
	if f.sent("return_url") {
		l.ReturnURL = f.url("return_url")
	}
}

// sells reads the products of a checkout link.
func (l *CheckoutLink) sells(w *World, f *form, fresh bool) {
	switch {
	case f.given("products"):
		products := f.refs(w, "products", KindProduct, w.unsellable)
		if len(products) == 0 && len(f.list) == 0 {
			f.wrong("products", "too_short", "List", 1, 0)
		}
		l.Products = products
	case fresh && f.given("product_id"):
		if p := f.ref(w, "product_id", KindProduct, func(p Ref) bool { return w.unsellable(p) == "" }, "Product does not exist."); p != None {
			l.Products = []Ref{p}
		}
	case fresh && f.given("product_price_id"):
		price := f.ref(w, "product_price_id", KindPrice, func(p Ref) bool {
			return int(p) < len(w.prices) && !w.prices[p].Archived && w.unsellable(w.prices[p].Product) == ""
		}, "Price does not exist.")
		if price != None {
			l.Products = []Ref{w.prices[price].Product}
		}
	case fresh:
		f.missing("products")
	}
}

// unsellable says why a product cannot be sold by a link; "" = it can.
func (w *World) unsellable(n Ref) string {
	switch {
	case !w.hasProduct(n):
		return "Product does not exist."
	case w.products[n].Archived:
		return "Product is archived."
	case w.products[n].Visibility == "draft":
		return "Product is a draft."
	}
	return ""
}
