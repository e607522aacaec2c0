package polarsim

import "fmt"

// makeCatalogue makes the organization, its meters, benefits, discounts and products: every kind of price, interval and state that the API knows.
func (g *generator) makeCatalogue() {
	r := g.random(randCatalogue)
	g.draw = r
	t := g.start
	g.org = Organization{CreatedAt: t, ModifiedAt: t + 400*day + 7*hour + 123456, Name: "Simulated Ünïversal “Tools” GmbH & Co", Slug: "simulated-tools",
		Email: "billing@simulated-tools.example", Status: "active"}
	if n := g.opts.Number; n > 0 {
		g.org.Name, g.org.Slug = fmt.Sprintf("%s %d", g.org.Name, n), fmt.Sprintf("%s-%04d", g.org.Slug, n)
	}
	g.meters = []Meter{
		{CreatedAt: t + 2*hour, Name: "API calls", Unit: "scalar", Filter: filterJSON("name", "eq", `"api.call"`), Aggregation: `{"func":"count"}`,
			Metadata: `{"tier":"basic","weight":0.5}`},
		{CreatedAt: t + 3*hour + 250_000, ModifiedAt: t + 100*day, Name: "LLM tokens", Unit: "token",
			Filter:      `{"conjunction":"and","clauses":[{"property":"name","operator":"eq","value":"llm"},{"conjunction":"or","clauses":[{"property":"model","operator":"like","value":"gpt%"},{"property":"cached","operator":"eq","value":false},{"property":"tries","operator":"lt","value":3}]}]}`,
			Aggregation: `{"func":"sum","property":"tokens"}`},
		{CreatedAt: t + 30*day, Name: "Storage", Unit: "custom", Label: "GiB·h", Multiplier: 1024, Filter: filterJSON("name", "eq", `"storage"`),
			Aggregation: `{"func":"max","property":"bytes"}`},
		{CreatedAt: t + 40*day, ModifiedAt: t + 500*day, ArchivedAt: t + 500*day, Name: "Builds (old)", Unit: "scalar",
			Filter: filterJSON("name", "eq", `"build"`), Aggregation: `{"func":"unique","property":"build_id"}`},
	}
	g.customFields = []CustomField{
		{CreatedAt: t + day, Type: "text", Slug: "vat-note", Name: "Note for the \"VAT\" office", Properties: `{"form_label":"Note","form_help_text":"As it is to stand on the invoice","form_placeholder":"VAT","textarea":true,"min_length":1,"max_length":200}`},
		{CreatedAt: t + day + second, Type: "select", Slug: "heard-from", Name: "Heard from", Properties: `{"options":[{"value":"friend","label":"A friend"},{"value":"web","label":"The web"}]}`},
		{CreatedAt: t + 2*day, Type: "checkbox", Slug: "newsletter", Name: "Newsletter", Properties: `{"form_label":"Send me [news](https://simulated-tools.example/news)"}`},
		{CreatedAt: t + 2*day + 5, Type: "number", Slug: "team-size", Name: "Team size", Properties: `{"ge":1,"le":100000}`, Metadata: `{"team":true}`},
		{CreatedAt: t + 3*day, ModifiedAt: t + 33*day, Type: "date", Slug: "birthday", Name: "Birthday", Properties: `{"form_label":"Born on","ge":-2145916800,"le":1767225600}`},
		{CreatedAt: t + 3*day, ModifiedAt: t + 44*day, DeletedAt: t + 44*day, Type: "text", Slug: "fax", Name: "Fax", Properties: `{}`},
	}
	g.benefits = []Benefit{
		{CreatedAt: t + day, Type: "custom", Description: "Priority support", Visibility: "public", Properties: `{"note":"Write to support@example.com\nany time"}`},
		{CreatedAt: t + day + 11, Type: "license_keys", Description: "License key", Visibility: "public", Properties: `{"prefix":"SIM","expires":{"ttl":1,"timeframe":"year"},"activations":{"limit":3,"enable_customer_admin":true},"limit_usage":null}`},
		{CreatedAt: t + 2*day, Type: "meter_credit", Description: "1000 API calls", Visibility: "public", Properties: `{"units":1000,"rollover":false,"meter_id":"` + g.id(KindMeter, 0).String() + `"}`},
		{CreatedAt: t + 3*day, ModifiedAt: t + 80*day, Type: "downloadables", Description: "E-book 📚", Visibility: "public", Properties: `{"archived":{"` + g.id(KindMedia, 101).String() + `":true},"files":["` + g.id(KindMedia, 100).String() + `","` + g.id(KindMedia, 101).String() + `"]}`},
		{CreatedAt: t + 4*day, Type: "discord", Description: "Discord server", Visibility: "private", Properties: `{"guild_id":"1029384756","role_id":"5647382910","kick_member":false,"guild_token":"` + g.hiddenText("guild", 4) + `"}`, Metadata: `{"channel":"#général"}`},
		{CreatedAt: t + 5*day, Type: "github_repository", Description: "Source access", Visibility: "public", Properties: `{"repository_owner":"simulated-tools","repository_name":"pro","permission":"pull","repository_id":null}`},
		{CreatedAt: t + 6*day, Type: "feature_flag", Description: "beta", Visibility: "draft", Properties: `{}`},
		{CreatedAt: t + 7*day, ModifiedAt: t + 90*day, Type: "slack_shared_channel", Description: "Slack channel", Visibility: "public", Properties: `{"slack_integration_id":"` + g.id(KindIntegration, 0).String() + `","channel_name_template":"ext-{customer}","private":true,"welcome_message":null,"archive_on_revoke":true,"team_invitees":["U0123","U0456"]}`},
		{CreatedAt: t + 8*day, ModifiedAt: t + 300*day, DeletedAt: t + 300*day, Type: "custom", Description: "Withdrawn benefit", Visibility: "public", Properties: `{"note":null}`},
		{CreatedAt: t + 8*day, Type: "license_keys", Description: "License key, unlimited", Visibility: "public", Properties: `{"prefix":null,"expires":null,"activations":null,"limit_usage":100}`},
	}
	g.discounts = []Discount{
		{CreatedAt: t + 10*day, Name: "Welcome", Code: "WELCOME10", Duration: "once", BasisPoints: 1000, Metadata: `{"campaign":"welcome"}`},
		{CreatedAt: t + 20*day, ModifiedAt: t + 21*day, Name: "Launch week", Code: "LAUNCH", Duration: "once", Amounts: map[string]int64{"usd": 500, "eur": 450, "jpy": 700}, StartsAt: t + 20*day, EndsAt: t + 27*day, MaxRedemptions: 500},
		{CreatedAt: t + 30*day, Name: "Friend of the house", Duration: "forever", BasisPoints: 2000},
		{CreatedAt: t + 40*day, Name: "Three months off", Code: "THREE", Duration: "repeating", Months: 3, BasisPoints: 5000},
		{CreatedAt: t + 50*day, ModifiedAt: t + 400*day, DeletedAt: t + 400*day, Name: "Withdrawn", Code: "OLDIE", Duration: "repeating", Months: 6, Amounts: map[string]int64{"usd": 300, "eur": 300}},
	}
	g.discounts = append(g.discounts,
		Discount{CreatedAt: t + 60*day, ModifiedAt: t + 61*day, Name: "half a year", Code: "SIX", Duration: "repeating", Months: 6, Amounts: map[string]int64{"usd": 200, "jpy": 300},
			MaxRedemptions: 50, PerCustomer: 1, EndsAt: g.now + 90*day, Products: []Ref{productPro, productTeam}, Metadata: `{"campaign":"é","rank":1}`},
		Discount{CreatedAt: t + 70*day, Name: "For ever and ever", Duration: "forever", Amounts: map[string]int64{"eur": 100, "usd": 150}, Products: []Ref{productBook}},
		Discount{CreatedAt: t + 70*day, Name: "Withdrawn too", Duration: "once", BasisPoints: 250, ModifiedAt: t + 80*day, DeletedAt: t + 80*day})
	g.checkoutLinks = []CheckoutLink{
		{CreatedAt: t + 15*day, Label: "Home page", SuccessURL: "https://simulated-tools.example/thanks?checkout_id={CHECKOUT_ID}", AllowDiscountCodes: true, Discount: None, Products: []Ref{productPro, productProYear}},
		{CreatedAt: t + 16*day, ModifiedAt: t + 200*day, Label: "Partner “A&B”", ReturnURL: "https://simulated-tools.example/", Discount: 0, Seats: 5, Products: []Ref{productTeam}, Metadata: `{"partner":"a&b","share":0.25}`},
		{CreatedAt: t + 16*day, AllowDiscountCodes: true, NeedAddress: true, Discount: 4, TrialInterval: "day", TrialCount: 30, Products: []Ref{productPro}},
		{CreatedAt: t + 17*day, ModifiedAt: t + 250*day, DeletedAt: t + 250*day, Label: "Archived product", Discount: None, Products: []Ref{productProCase}},
		{CreatedAt: t + 145*day, Label: "Book", Discount: None, AllowDiscountCodes: true, Products: []Ref{productBook, productSponsor}},
	}
	g.assortment()
}

func filterJSON(property, operator, value string) string {
	return fmt.Sprintf(`{"conjunction":"and","clauses":[{"property":%q,"operator":%q,"value":%s}]}`, property, operator, value)
}

// Numbers of the products that the generator treats specially.
const (
	productFree = iota
	productPro
	productProYear
	productTeam
	productMetered
	productUsage
	productWeekly
	productQuarter
	productLegacy
	productLifetime
	productSponsor
	productBook
	productTemplates
	productDraft
	productProCase
	productPrivate
	productArchivedPrice
	productUnits
	catalogueSize
)

// plan is a short form of a product with a fixed price in each currency.
func (g *generator) plan(p Product, usd, eur, jpy int64) Ref {
	n := Ref(len(g.products))
	g.products = append(g.products, p)
	for _, c := range []struct {
		currency string
		amount   int64
	}{{"usd", usd}, {"eur", eur}, {"jpy", jpy}} {
		if c.amount >= 0 {
			g.price(Price{Product: n, Kind: PriceFixed, Currency: c.currency, Amount: c.amount, CreatedAt: p.CreatedAt + second})
		}
	}
	return n
}

func (g *generator) price(p Price) Ref {
	n := Ref(len(g.prices))
	if p.Kind != PriceMetered {
		p.Meter = None
	}
	g.prices = append(g.prices, p)
	g.products[p.Product].Prices = append(g.products[p.Product].Prices, n)
	return n
}

// assortment makes the products, in the order of the product numbers above.
func (g *generator) assortment() {
	t := g.start
	g.plan(Product{CreatedAt: t + day, Name: "Free", Visibility: "public", Interval: "month", IntervalCount: 1}, 0, 0, 0)
	g.plan(Product{CreatedAt: t + day, ModifiedAt: t + 300*day + 42, Name: "Pro", Description: "Everything in *Free*, and:\n- no limits\n- priority support\n\n“Really” — it's <b>good</b> & cheap 🎉",
		Visibility: "public", Interval: "month", IntervalCount: 1, TrialInterval: "day", TrialCount: 14, Benefits: []Ref{0, 1, 2},
		Metadata:     `{"plan":"pro","Plan":"PRO","rank":2,"ratio":0.1,"exact":1.0,"big":123456789012345678901234567890,"just_over":9007199254740993,"hidden":false}`,
		Medias:       []Media{{CreatedAt: t + day + hour, N: 1, Name: "pro – größe.png", Mime: "image/png", Size: 48_211}},
		CustomFields: []AttachedField{{Field: 0}, {Field: 1, Required: true}}}, 1900, 1800, 2900)
	g.plan(Product{CreatedAt: t + day, Name: "Pro (yearly)", Visibility: "public", Interval: "year", IntervalCount: 1, TrialInterval: "month", TrialCount: 1, Benefits: []Ref{1, 0}}, 19000, 18000, 29000)

	team := Ref(len(g.products))
	g.products = append(g.products, Product{CreatedAt: t + 30*day, Name: "Team", Description: "Billed per seat", Visibility: "public", Interval: "month", IntervalCount: 1, Benefits: []Ref{0, 4, 5, 7}})
	tiers := []Tier{{Min: 1, Max: 10, PerSeat: 1200}, {Min: 11, Max: 50, PerSeat: 1000}, {Min: 51, PerSeat: 800}}
	for _, c := range []string{"usd", "eur", "jpy"} {
		g.price(Price{Product: team, Kind: PriceSeats, Currency: c, Tiers: tiers, Graduated: c == "eur", CreatedAt: t + 30*day, TaxBehavior: "exclusive"})
	}
	metered := g.plan(Product{CreatedAt: t + 60*day, Name: "API", Description: "Base fee and usage", Visibility: "public", Interval: "month", IntervalCount: 1, Benefits: []Ref{2}}, 900, 900, 1200)
	usage := Ref(len(g.products))
	g.products = append(g.products, Product{CreatedAt: t + 90*day, Name: "Pay as you go", Visibility: "public", Interval: "month", IntervalCount: 1, MeterInterval: "month", MeterIntervalCount: 1})
	for _, c := range []string{"usd", "eur", "jpy"} {
		g.price(Price{Product: metered, Kind: PriceMetered, Currency: c, Meter: 0, UnitAmount: "0.500000000000", Cap: 50_000, CreatedAt: t + 60*day})
		g.price(Price{Product: usage, Kind: PriceMetered, Currency: c, Meter: 1, UnitAmount: "0.000100000000", CreatedAt: t + 90*day})
		g.price(Price{Product: usage, Kind: PriceMetered, Currency: c, Meter: 2, UnitAmount: "12.345678901234", CreatedAt: t + 90*day + 1})
	}
	g.plan(Product{CreatedAt: t + 100*day, Name: "Weekly digest", Visibility: "public", Interval: "week", IntervalCount: 1}, 300, 300, 400)
	g.plan(Product{CreatedAt: t + 110*day, Name: "Quarterly review", Visibility: "public", Interval: "month", IntervalCount: 3}, 4900, 4700, 7000)

	legacy := Ref(len(g.products))
	g.products = append(g.products, Product{CreatedAt: t + 2*hour, ModifiedAt: t + 200*day, Name: "Gold (2023)", Visibility: "public", Interval: "month", IntervalCount: 1, Archived: true})
	for _, c := range []string{"usd", "eur", "jpy"} {
		g.price(Price{Product: legacy, Kind: PriceFixed, Currency: c, Amount: 1500, LegacyInterval: "month", CreatedAt: t + 2*hour})
	}
	g.price(Price{Product: legacy, Kind: PriceCustom, Currency: "usd", Min: 500, Preset: 1000, LegacyInterval: "month", CreatedAt: t + 2*hour})
	g.plan(Product{CreatedAt: t + 120*day, Name: "永久ライセンス", Description: "Lifetime licence", Visibility: "public", Benefits: []Ref{1}, Metadata: "{\"rtl\":\"שלום\u200f\",\"emoji\":\"👩\u200d👩\u200d👧\u200d👦\"}"}, 29900, 27900, 45000)

	sponsor := Ref(len(g.products))
	g.products = append(g.products, Product{CreatedAt: t + 130*day, Name: "Sponsor ☕", Description: "Pay what you want", Visibility: "public"})
	g.price(Price{Product: sponsor, Kind: PriceCustom, Currency: "usd", Min: 0, Max: 100_000, Preset: 500, CreatedAt: t + 130*day})
	g.price(Price{Product: sponsor, Kind: PriceCustom, Currency: "eur", Min: 100, CreatedAt: t + 130*day})
	g.price(Price{Product: sponsor, Kind: PriceCustom, Currency: "jpy", Min: 100, CreatedAt: t + 130*day})
	g.plan(Product{CreatedAt: t + 140*day, Name: "E-book: \"Queries\",\r\n2nd edition", Visibility: "public", Benefits: []Ref{3},
		Medias: []Media{{CreatedAt: t + 140*day, N: 2, Name: "cover.webp", Mime: "image/webp", Size: 120_000}, {CreatedAt: t + 141*day, N: 3, Name: "back.jpg", Mime: "image/jpeg", Size: 99_999}}}, 2400, 2400, 3600)
	g.plan(Product{CreatedAt: t + 150*day, ModifiedAt: t + 600*day, Name: "=SUM(A1:A9) template pack", Description: "+1 -1 @x =cmd|' /C calc'!A0", Visibility: "public", Archived: true}, 700, 700, 1000)
	g.plan(Product{CreatedAt: t + 800*day, Name: "Next big thing", Visibility: "draft", Interval: "month", IntervalCount: 1}, 9900, -1, -1)
	g.plan(Product{CreatedAt: t + day, ModifiedAt: t + 250*day, Name: "PRO", Visibility: "public", Interval: "month", IntervalCount: 1, Archived: true, Benefits: []Ref{0}}, 1400, 1400, 2000)
	g.plan(Product{CreatedAt: t + 700*day + 999_999, Name: "Enterprise, by invitation", Visibility: "private", Interval: "year", IntervalCount: 1, Metadata: `{"owner":"sales@example.com"}`}, 990_000, 950_000, 1_500_000)
	// A product whose prices were replaced once: orders and subscriptions still point at the archived ones.
	changed := g.plan(Product{CreatedAt: t + 50*day, ModifiedAt: t + 1150*day, Name: "Backup", Visibility: "public", Interval: "month", IntervalCount: 1}, 400, 400, 600)
	for _, p := range g.products[changed].Prices {
		g.prices[p].Archived, g.prices[p].ModifiedAt = true, t+1150*day
	}
	for _, c := range []string{"usd", "eur", "jpy"} {
		g.price(Price{Product: changed, Kind: PriceFixed, Currency: c, Amount: 550, CreatedAt: t + 1150*day})
	}
	// Nobody has bought this one yet.
	units := Ref(len(g.products))
	g.products = append(g.products, Product{CreatedAt: t + 1160*day, Name: "Storage by the gigabyte", Visibility: "private", Interval: "month", IntervalCount: 1})
	steps := []Tier{{Max: 10, PerSeat: 100}, {PerSeat: 80}}
	g.price(Price{Product: units, Kind: PriceUnits, Currency: "usd", Tiers: steps, Graduated: true, CreatedAt: t + 1160*day, TaxBehavior: "exclusive",
		UnitLabel: `{"en":{"one":"gigabyte","other":"gigabytes"}}`})
	g.price(Price{Product: units, Kind: PriceUnits, Currency: "eur", Tiers: steps, MinUnits: 2, CreatedAt: t + 1160*day, TaxBehavior: "exclusive"})
	for i := catalogueSize; i < g.opts.Products; i++ {
		amount := int64(100 * (1 + i%97))
		g.plan(Product{CreatedAt: t + 160*day + Time(i)*7*hour/4, Name: fmt.Sprintf("Add-on %03d", i), Visibility: "public", Archived: i%11 == 0}, amount, amount, amount)
	}
}

// makeDashboards makes some dashboards.
func (g *generator) makeDashboards() {
	t := g.start + 200*day
	g.dashboards = []Dashboard{
		{CreatedAt: t, Name: "Overview", Metrics: []string{"revenue", "orders", "active_subscriptions", "monthly_recurring_revenue"}},
		{CreatedAt: t + 9*day + 17, ModifiedAt: t + 12*day, Name: "Churn 📉", Metrics: []string{"churned_subscriptions", "churn_rate", "canceled_subscriptions"}},
		{CreatedAt: t + 40*day, Name: "Empty", Metrics: []string{}},
	}
}
