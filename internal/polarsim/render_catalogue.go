package polarsim

import (
	"strconv"
)

// hiddenText is the value of a secret field of row n: recognisable where the world is asked for canaries, so that a test can look for it elsewhere.
func (w *World) hiddenText(kind string, n int) string {
	text := strconv.FormatUint(mix(w.seed^uint64(n)<<8^uint64(len(kind))*0x9e3779b97f4a7c15), 36)
	if w.opts.Canaries {
		return "canary_" + kind + "_" + text
	}
	return text
}

func (w *World) renderDiscount(o *object, n Ref) {
	o.open()
	w.discountFields(o, n)
	list(o, "products", w.discounts[n].Products, func(o *object, p Ref) {
		o.open()
		w.productFields(o, p)
		o.close()
	})
	o.close()
}

// linkProduct writes a product as checkout links embed it, saleProduct as checkouts do.
func (w *World) linkProduct(o *object, n Ref) {
	o.open()
	o.raw("metadata", w.products[n].Metadata)
	w.saleProductFields(o, n)
	o.close()
}

func (w *World) saleProduct(o *object, n Ref) {
	o.open()
	w.saleProductFields(o, n)
	o.close()
}

func (w *World) saleProductFields(o *object, n Ref) {
	w.productBase(o, n)
	list(o, "prices", w.catalogPrices(n), w.renderPrice)
	list(o, "benefits", w.liveBenefits(n), w.renderBenefitPublic)
	list(o, "medias", w.products[n].Medias, w.renderMedia)
}

// renderBenefitPublic writes a benefit without the fields for the merchant only.
func (w *World) renderBenefitPublic(o *object, n Ref) {
	o.open()
	w.benefitFields(o, n)
	o.close()
}

// benefitFields are those that everybody may see.
func (w *World) benefitFields(o *object, n Ref) {
	b := &w.benefits[n]
	o.id("id", w.id(KindBenefit, int(n)))
	o.times(b.CreatedAt, b.ModifiedAt)
	o.str("type", b.Type)
	o.str("description", b.Description)
	o.bool("selectable", true)
	o.bool("deletable", true)
	o.bool("is_deleted", b.DeletedAt != 0)
	w.organization(o)
}

func (w *World) renderCheckoutLink(o *object, n Ref) {
	l := &w.checkoutLinks[n]
	secret := "polar_cl_" + w.hiddenText("link", int(n))
	o.open()
	o.id("id", w.id(KindCheckoutLink, int(n)))
	o.times(l.CreatedAt, l.ModifiedAt)
	o.text("trial_interval", l.TrialInterval)
	o.count("trial_interval_count", int64(l.TrialCount))
	o.raw("metadata", l.Metadata)
	o.str("payment_processor", "stripe")
	o.str("client_secret", secret)
	o.text("success_url", l.SuccessURL)
	o.text("return_url", l.ReturnURL)
	o.text("label", l.Label)
	o.bool("allow_discount_codes", l.AllowDiscountCodes)
	o.bool("require_billing_address", l.NeedAddress)
	w.ref(o, "discount_id", KindDiscount, l.Discount)
	o.count("seats", int64(l.Seats))
	o.null("units")
	w.organization(o)
	list(o, "products", l.Products, w.linkProduct)
	w.discount(o, "discount", l.Discount)
	first := l.Products[0]
	w.ref(o, "product_id", KindProduct, first)
	if prices := w.catalogPrices(first); len(prices) > 0 {
		w.ref(o, "product_price_id", KindPrice, prices[0])
		o.key("product_price")
		w.renderPrice(o, prices[0])
	} else {
		o.null("product_price_id")
		o.null("product_price")
	}
	o.key("product")
	w.linkProduct(o, first)
	o.str("url", "https://buy.polar.sh/"+secret)
	o.close()
}
