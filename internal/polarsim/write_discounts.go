package polarsim

import (
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
	kind = f.keptEnum("type", kind, "Type cannot be changed.", "fixed", "percentage")
	d.Duration = f.keptEnum("duration", d.Duration, "Duration cannot be changed.", "once", "forever", "repeating")
	if fresh || f.given("name") {
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
	if f.given("starts_at") && f.given("ends_at") && d.StartsAt >= d.EndsAt {
		f.add("value_error", f.loc, "Value error, starts_at must be before ends_at", f.fields, "")
	}
	if f.sent("max_redemptions") {
		d.MaxRedemptions = int(f.int("max_redemptions", 1))
	}
	if f.sent("max_redemptions_per_customer") {
		d.PerCustomer = int(f.int("max_redemptions_per_customer", 1))
	}
	if repeats := d.Duration == "repeating"; repeats && f.given("duration_in_months") {
		d.Months = int(f.within("duration_in_months", 1, 999))
	} else if repeats && fresh {
		f.missing("duration_in_months")
	}
	if f.sent("metadata") {
		d.Metadata = f.metadata()
	}
	worth := *d
	if kind == "percentage" {
		if fresh || f.given("basis_points") {
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
	if f.given("code") && slices.ContainsFunc(w.discounts, func(o Discount) bool { return o.DeletedAt == 0 && strings.EqualFold(o.Code, d.Code) && o.Code != "" }) &&
		(fresh || !strings.EqualFold(w.discounts[n].Code, d.Code)) {
		f.refuse("code", "value_error", "Discount with this code already exists.")
	}
	if f.given("products") {
		d.Products = f.refs(w, "products", KindProduct, func(p Ref) string {
			if !w.hasProduct(p) {
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
		f.invalid("code", "Code must contain only alphanumeric characters.")
	} else if code != "" && len([]rune(code)) < 3 {
		f.invalid("code", "Code must be between 3 and 256 characters long.")
	}
	return code
}

func (f *form) basisPoints() int {
	if !f.given("basis_points") {
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
				sub.wrong(currency, "int_type")
			}
			amounts[currency] = sub.within(currency, 0, most)
		}
		if len(amounts) == 0 {
			f.wrong("amounts", "too_short", "Dictionary", 1, 0)
		}
		return amounts
	}
	if !f.given("amount") {
		return nil
	}
	return map[string]int64{firstOf(f.enum("currency", currencies...), "usd"): f.within("amount", 0, most)}
}

var currencies = []string{"usd", "eur", "jpy"}

// fits tells whether a discount is for all the products.
func (d *Discount) fits(products []Ref) bool {
	return len(d.Products) == 0 || !slices.ContainsFunc(products, func(p Ref) bool { return !slices.Contains(d.Products, p) })
}
