package polarsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// readDiscount reads what a body says of a discount (polarsource/polar, server/polar/discount/service.py).
func readDiscount(w *World, f *form, d *Discount, n Ref) {
	fresh, kind := n == None, ""
	if !fresh {
		kind = d.kind()
	}
	kind = f.kept("type", kind, "Type cannot be changed.", "fixed", "percentage")
	d.Duration = f.kept("duration", d.Duration, "Duration cannot be changed.", "once", "forever", "repeating")
	if fresh || f.value("name") {
		d.Name = f.required("name", 1, 1<<20)
	}
	if f.sent("code") {
		d.Code = f.code()
	}
	if f.sent("starts_at") {
		d.StartsAt = f.time("starts_at")
	}
	if f.sent("ends_at") {
		d.EndsAt = f.time("ends_at")
	}
	if f.value("starts_at") && f.value("ends_at") && d.StartsAt >= d.EndsAt {
		f.add("value_error", f.loc, "Value error, starts_at must be before ends_at", f.fields, "")
	}
	if f.sent("max_redemptions") {
		d.MaxRedemptions = int(f.int("max_redemptions", 1))
	}
	if f.sent("max_redemptions_per_customer") {
		d.PerCustomer = int(f.int("max_redemptions_per_customer", 1))
	}
	if repeats := d.Duration == "repeating"; repeats && f.value("duration_in_months") {
		d.Months = int(f.within("duration_in_months", 1, 999))
	} else if repeats && fresh {
		f.missing("duration_in_months")
	}
	if f.sent("metadata") {
		d.Metadata = f.metadata()
	}
	worth := *d
	if kind == "percentage" {
		if fresh || f.value("basis_points") {
			d.BasisPoints = f.basisPoints()
		}
	} else if amounts := f.amounts(); amounts != nil {
		d.Amounts = amounts
	} else if fresh {
		f.missing("amounts")
	}
	if d.Redemptions > 0 && (d.BasisPoints != worth.BasisPoints || !sameAmounts(d.Amounts, worth.Amounts)) {
		name := "amounts"
		if kind == "percentage" {
			name = "basis_points"
		}
		f.refuse(name, "value_error", "This field cannot be changed because the discount has already been redeemed.")
	}
	if f.value("code") && slices.ContainsFunc(w.discounts, func(o Discount) bool { return o.DeletedAt == 0 && strings.EqualFold(o.Code, d.Code) && o.Code != "" }) &&
		(fresh || !strings.EqualFold(w.discounts[n].Code, d.Code)) {
		f.refuse("code", "value_error", "Discount with this code already exists.")
	}
	if f.value("products") {
		d.Products = f.refs(w, "products", KindProduct, func(p Ref) string {
			if p == None || int(p) >= len(w.products) {
				return "Product not found."
			}
			return ""
		})
	}
}

// kind is the type of a discount.
func (d *Discount) kind() string {
	if d.BasisPoints > 0 {
		return "percentage"
	}
	return "fixed"
}

func sameAmounts(a, b map[string]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for currency, amount := range a {
		if v, ok := b[currency]; !ok || v != amount {
			return false
		}
	}
	return true
}

// code reads the code of a discount: letters and digits, 3 to 256.
func (f *form) code() string {
	code := f.text("code", 256)
	other := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	if strings.ContainsFunc(code, other) {
		f.wrong("code", "value_error", "Value error, Code must contain only alphanumeric characters.")
	} else if code != "" && len([]rune(code)) < 3 {
		f.wrong("code", "value_error", "Value error, Code must be between 3 and 256 characters long.")
	}
	return code
}

func (f *form) basisPoints() int {
	if !f.value("basis_points") {
		f.missing("basis_points")
		return 0
	}
	return int(f.within("basis_points", 1, 10_000))
}

// amounts reads how much a fixed discount takes off by currency: amounts, or an amount, of dollars where no currency is given. Nil: neither is there.
func (f *form) amounts() map[string]int64 {
	const most = 999_999_999_999
	if sub, ok := f.under("amounts"); ok {
		amounts := map[string]int64{}
		for _, currency := range sortedNames(sub.fields) {
			if checkEnum(f.problems, sub.at(currency), currency, currencies); sub.null(currency) {
				sub.wrong(currency, "int_type", "Input should be a valid integer")
			}
			amounts[currency] = sub.within(currency, 0, most)
		}
		if len(amounts) == 0 {
			f.wrong("amounts", "too_short", "Dictionary should have at least 1 item after validation, not 0")
		}
		return amounts
	}
	if !f.value("amount") {
		return nil
	}
	return map[string]int64{firstOf(f.enum("currency", currencies...), "usd"): f.within("amount", 0, most)}
}

var currencies = []string{"usd", "eur", "jpy"}

// mostBenefits is how many a world holds: the ids of grants have eight bits for the benefit.
const mostBenefits = 1 << 8

// readBenefit reads what a body says of a benefit. Upstream the type has to be sent again with a change; here it may be.
func readBenefit(w *World, f *form, b *Benefit, n Ref) {
	fresh := n == None
	b.Type = f.kept("type", b.Type, "Benefit type cannot be changed.", benefitTypes...)
	if fresh || f.value("description") {
		b.Description = f.required("description", 3, 42)
	}
	visibility := f.enum("visibility", "draft", "private", "public")
	if b.visibilityOpen() && visibility != "" {
		b.Visibility = visibility
	} else if fresh {
		b.Visibility = "public"
	}
	if f.sent("metadata") {
		b.Metadata = f.metadata()
	}
	if shape, known := benefitProperties[b.Type]; known && (fresh || f.value("properties")) {
		b.Properties = f.properties(shape)
		if sub, ok := f.under("properties"); ok && b.Type == "meter_credit" {
			sub.ref(w, "meter_id", KindMeter, func(m Ref) bool { return int(m) < len(w.meters) }, "Meter does not exist.")
		}
	}
	if fresh && len(w.benefits) >= mostBenefits {
		f.refuse("type", "value_error", "There are as many benefits as the simulator holds.")
	}
}

// visibilityOpen tells whether the merchant chooses who sees the benefit.
func (b *Benefit) visibilityOpen() bool { return b.Type == "custom" || b.Type == "feature_flag" }

// readCheckoutLink reads what a body says of a checkout link: a new one needs products, one product or a price of one.
func readCheckoutLink(w *World, f *form, l *CheckoutLink, n Ref) {
	fresh := n == None
	if fresh {
		l.AllowDiscountCodes, l.Discount = true, None
		f.kept("payment_processor", "", "", "stripe")
	}
	l.texts(f)
	if f.value("allow_discount_codes") {
		l.AllowDiscountCodes = f.bool("allow_discount_codes")
	}
	if f.value("require_billing_address") {
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
	case f.value("products"):
		products := f.refs(w, "products", KindProduct, w.unsellable)
		if len(products) == 0 && len(f.list) == 0 {
			f.wrong("products", "too_short", "List should have at least 1 item after validation, not 0")
		}
		l.Products = products
	case fresh && f.value("product_id"):
		if p := f.ref(w, "product_id", KindProduct, func(p Ref) bool { return w.unsellable(p) == "" }, "Product does not exist."); p != None {
			l.Products = []Ref{p}
		}
	case fresh && f.value("product_price_id"):
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
	case n == None || int(n) >= len(w.products):
		return "Product does not exist."
	case w.products[n].Archived:
		return "Product is archived."
	case w.products[n].Visibility == "draft":
		return "Product is a draft."
	}
	return ""
}

// fits tells whether a discount is for all the products.
func (d *Discount) fits(products []Ref) bool {
	return len(d.Products) == 0 || !slices.ContainsFunc(products, func(p Ref) bool { return !slices.Contains(d.Products, p) })
}

var slugs = regexp.MustCompile(`^[a-z0-9_-]+$`)

// readCustomField reads what a body says of a custom field. Upstream the type has to be sent again with a change; here it may be.
func readCustomField(w *World, f *form, field *CustomField, n Ref) {
	fresh := n == None
	field.Type = f.kept("type", field.Type, "The type of a custom field can't be changed.", fieldTypes...)
	if fresh || f.value("slug") {
		slug := strings.ToLower(f.required("slug", 1, 1<<20))
		if slug != "" && !slugs.MatchString(slug) {
			f.wrong("slug", "string_pattern_mismatch", "String should match pattern '^[a-z0-9-_]+$'")
		}
		if slug != field.Slug && slices.ContainsFunc(w.customFields, func(o CustomField) bool { return o.DeletedAt == 0 && o.Slug == slug }) {
			f.refuse("slug", "value_error", "Custom field with this slug already exists.")
		}
		field.Slug = slug
	}
	if fresh || f.value("name") {
		field.Name = f.required("name", 1, 1<<20)
	}
	if f.sent("metadata") {
		field.Metadata = f.metadata()
	}
	if fresh || f.value("properties") {
		field.Properties = f.properties(fieldProperties(field.Type))
	}
}

// renamedKey is a JSON object in text form with one of its keys called otherwise.
func renamedKey(text, old, name string) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil || fields[old] == nil {
		return text
	}
	fields[name] = fields[old]
	delete(fields, old)
	var o object
	o.open()
	for _, k := range sortedNames(fields) {
		o.raw(k, string(fields[k]))
	}
	o.close()
	return string(o.b)
}
