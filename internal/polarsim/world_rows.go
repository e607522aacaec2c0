package polarsim

import "cmp"

// Ref is the number of a row within its table; None is null.
type Ref int32

// None is a reference to nothing.
const None Ref = -1

// Order statuses.
const (
	OrderDraft             = "draft"
	OrderPending           = "pending"
	OrderPaid              = "paid"
	OrderRefunded          = "refunded"
	OrderPartiallyRefunded = "partially_refunded"
	OrderVoid              = "void"
)

// Billing reasons of an order.
const (
	ReasonPurchase   = "purchase"
	ReasonCreate     = "subscription_create"
	ReasonCycle      = "subscription_cycle"
	ReasonUpdate     = "subscription_update"
	ReasonMeterCycle = "subscription_meter_cycle"
)

// Subscription statuses.
const (
	SubIncomplete        = "incomplete"
	SubIncompleteExpired = "incomplete_expired"
	SubTrialing          = "trialing"
	SubActive            = "active"
	SubPastDue           = "past_due"
	SubCanceled          = "canceled"
	SubUnpaid            = "unpaid"
	SubPaused            = "paused"
)

// Kinds of price: Polar's amount_type.
const (
	PriceFixed   = "fixed" // a free price is a fixed one of 0
	PriceCustom  = "custom"
	PriceMetered = "metered_unit"
	PriceSeats   = "seat_based"
	PriceUnits   = "unit_based"
)

// Address is never changed once made, so that orders can share their customer's; an update replaces it.
type Address struct {
	Line1, Line2, PostalCode, City, State string // "" = null
	Country                               string
}

// Customer is one customer. Strings are null when empty; Metadata is JSON text, "" = {}.
type Customer struct {
	CreatedAt, ModifiedAt, DeletedAt, FirstUserEventAt Time
	Team, EmailVerified, HasCard                       bool
	Email, ExternalID, Name, BillingName, Locale       string
	Currency                                           string // in which this customer is billed; not on the wire
	Address                                            *Address
	TaxID                                              *[2]string // value, format
	Metadata                                           string
	Invoices                                           int32 // last number used in the customer's invoice sequence
	LastMember, LastSubscription, LastMeter            Ref   // newest of the customer's members, subscriptions and customer meters; each leads to the one before
}

// Member is one person of a customer.
type Member struct {
	CreatedAt, ModifiedAt, DeletedAt Time
	Customer                         Ref
	Before                           Ref // the customer's member made before this one
	Email, Name, ExternalID, Role    string
}

// Product is one product. Prices holds every price it ever had; the wire shows those that are neither archived nor ad hoc.
type Product struct {
	CreatedAt, ModifiedAt, DeletedAt              Time
	Sold                                          bool // in an order or a subscription: it cannot be deleted any more
	Name, Description, Visibility                 string
	Interval, MeterInterval, TrialInterval        string // "" = null: not recurring, no trial
	IntervalCount, MeterIntervalCount, TrialCount int
	Archived                                      bool
	Metadata                                      string
	Prices, Benefits                              []Ref
	Medias                                        []Media
	CustomFields                                  []AttachedField
}

// Recurring tells whether the product is sold as a subscription.
func (p *Product) Recurring() bool { return p.Interval != "" }

// Media is an uploaded picture of a product.
type Media struct {
	CreatedAt  Time
	N          int // number of the file
	Name, Mime string
	Size       int64
}

// AttachedField is a custom field asked for at checkout.
type AttachedField struct {
	Field    Ref
	Required bool
}

// CustomField is a field that checkouts ask for. Properties is JSON text.
type CustomField struct {
	CreatedAt, ModifiedAt, DeletedAt       Time
	Type, Slug, Name, Properties, Metadata string
}

// Price is one price of a product. Amounts are in the smallest unit of Currency.
type Price struct {
	CreatedAt, ModifiedAt Time
	Product               Ref
	Kind, Currency        string
	TaxBehavior           string // "" = null
	Archived, AdHoc       bool
	LegacyInterval        string // non-empty: a legacy recurring price
	Amount                int64  // fixed
	Min, Max, Preset      int64  // custom; 0 = null for Max and Preset
	Meter                 Ref    // metered
	UnitAmount            string // metered, decimal, cents a unit
	Cap                   int64  // metered; 0 = null
	Tiers                 []Tier // by seats or units
	Graduated             bool
	MinUnits              int64  // by units; 0 = null
	UnitLabel             string // by units: JSON text
}

// Tier is a step of a price by seats or units; Max 0 = open.
type Tier struct {
	Min, Max int
	PerSeat  int64
}

// Benefit is what a product gives. Properties is JSON text.
type Benefit struct {
	CreatedAt, ModifiedAt, DeletedAt          Time
	Type, Description, Visibility, Properties string
	Metadata                                  string
}

// Meter counts usage. Filter and Aggregation are JSON text.
type Meter struct {
	CreatedAt, ModifiedAt, ArchivedAt Time
	Name, Unit, Label                 string
	Multiplier                        int
	Filter, Aggregation, Metadata     string
}

// CustomerMeter is a customer's balance on a meter.
type CustomerMeter struct {
	CreatedAt, ModifiedAt Time
	Customer, Meter       Ref
	Before                Ref // the customer's meter made before this one
	Consumed              float64
	Credited              int64
}

// Discount is a discount. Amount is in the smallest unit of each currency of Amounts; BasisPoints for percentages.
type Discount struct {
	CreatedAt, ModifiedAt, DeletedAt, StartsAt, EndsAt Time
	Name, Code, Duration                               string
	Months, BasisPoints                                int // BasisPoints 0: a fixed discount
	Amounts                                            map[string]int64
	MaxRedemptions, PerCustomer                        int // 0 = no limit
	Redemptions                                        int
	Metadata                                           string
	Products                                           []Ref // for which alone it is; none: for all
}

// AmountOff gives the discount on an amount.
func (d *Discount) AmountOff(amount int64, currency string) int64 {
	if d.BasisPoints > 0 {
		return amount * int64(d.BasisPoints) / 10_000
	}
	return min(amount, d.Amounts[currency])
}

// Subscription is one subscription. Amount is what a period costs before discount and tax, in Currency's smallest unit, without metered usage.
type Subscription struct {
	CreatedAt, ModifiedAt, StartedAt        Time // StartedAt 0: incomplete, hidden from the API
	Anchor                                  Time // where the first paid period began; periods are counted from here
	PeriodStart, PeriodEnd                  Time
	TrialStart, TrialEnd                    Time
	CanceledAt, EndsAt, EndedAt             Time
	PastDueAt, PausedAt, ResumesAt          Time
	Status, Interval, Currency              string
	IntervalCount                           int
	Cycle                                   int // paid periods begun so far, less one
	Amount                                  int64
	ChargedNet, ChargedTax                  int64 // of the last charge, if its tax was in the price
	CancelAtPeriodEnd, PauseAtPeriodEnd     bool
	Customer, Product, Discount, Checkout   Ref
	Before                                  Ref   // the customer's subscription made before this one
	Seats, Units                            int32 // 0 = null
	CancellationReason, CancellationComment string
	Metadata, CustomFields                  string
	Prices                                  []Ref
	Meters                                  []SubscriptionMeter
	PendingAppliesAt, PendingCreatedAt      Time // a pending update, if PendingAppliesAt is set
	PendingProduct                          Ref
	PendingSeats, PendingUnits              int32
	Scheduled                               Time // when the next thing happens by itself; 0 = never
}

// Live tells whether the subscription gives access now: trialing, active or past due.
func (s *Subscription) Live() bool {
	return s.Status == SubTrialing || s.Status == SubActive || s.Status == SubPastDue
}

// end is when the subscription ended or, if it has not yet, will; 0 = it goes on.
func (s *Subscription) end() Time { return cmp.Or(s.EndedAt, s.EndsAt) }

// SubscriptionMeter is the usage of the current period.
type SubscriptionMeter struct {
	CreatedAt, ModifiedAt Time
	Meter                 Ref
	Consumed              float64
	Credited              int64
	Amount                int64
}

// Order is one order. Amounts are in the smallest unit of Currency. World.orders is sorted by CreatedAt.
type Order struct {
	CreatedAt, ModifiedAt, NextPaymentAt                Time
	PaidAt                                              Time // when a payment succeeded; 0 = none did
	Status, Reason, Currency                            string
	Subtotal, DiscountAmount, Tax, Balance              int64
	RefundedAmount, RefundedTax                         int64
	PlatformFee                                         int64 // US cents
	Customer, Product, Discount, Subscription, Checkout Ref
	Seats, Units                                        int32 // 0 = null
	Invoice                                             int32 // number in the customer's invoice sequence; 0 = null
	InvoiceGenerated, Receipt                           bool
	TaxInclusive                                        bool // Subtotal has the tax in it
	BillingName                                         string
	BillingAddress                                      *Address
	Metadata, CustomFields                              string
	Items                                               []Item
}

// Net is the amount after discount, without tax.
func (o *Order) Net() int64 {
	if o.TaxInclusive {
		return o.Subtotal - o.DiscountAmount - o.Tax
	}
	return o.Subtotal - o.DiscountAmount
}

// Total is the amount with tax.
func (o *Order) Total() int64 { return o.Net() + o.Tax }

// Due is what has to be paid after the customer's balance was applied.
func (o *Order) Due() int64 { return max(0, o.Total()+o.Balance) }

// Paid tells whether the order was paid, refunded later or not.
func (o *Order) Paid() bool {
	return o.Status == OrderPaid || o.Status == OrderRefunded || o.Status == OrderPartiallyRefunded
}

// Item is one line of an order.
type Item struct {
	Label       string
	Amount, Tax int64
	Price       Ref
	Proration   bool
}

// Payment is one attempt to pay.
type Payment struct {
	CreatedAt, ModifiedAt   Time
	Status, Method, Trigger string // Trigger "" = null
	Brand, Last4            string // "": served without method_metadata
	DeclineReason           string
	Currency                string
	Amount                  int64
	Order, Checkout         Ref
	Customer                Ref // not on the wire, filterable
}

// Refund is one refund of an order; Tax is not part of Amount.
type Refund struct {
	CreatedAt, ModifiedAt Time
	Order                 Ref
	Status, Reason        string // Status: succeeded, pending, failed
	Amount, Tax           int64
	RevokeBenefits        bool
	Metadata              string
}

// Checkout is one checkout session.
type Checkout struct {
	CreatedAt, ModifiedAt Time
	Status                string // open, expired, confirmed, succeeded, failed
	Product, Customer     Ref
	Recurring             bool
	Order                 Ref // number of its order plus one; 0 = none
}

// Dispute is a payment that the customer's bank questions. Refund is the number plus one of the refund that prevented it; 0 = none.
type Dispute struct {
	CreatedAt, ModifiedAt  Time
	Status, Reason         string
	Order, Payment, Refund Ref
	Case                   bool // it has a case
}

// CheckoutLink is a link that opens checkouts.
type CheckoutLink struct {
	CreatedAt, ModifiedAt, DeletedAt Time
	Label, SuccessURL, ReturnURL     string // "" = null
	AllowDiscountCodes, NeedAddress  bool
	Discount                         Ref
	Seats, TrialCount                int // 0 = null
	TrialInterval, Metadata          string
	Products                         []Ref
}

// Dashboard is a saved selection of metrics. Deletion is hard upstream: a deleted one is skipped everywhere.
type Dashboard struct {
	CreatedAt, ModifiedAt Time
	Name                  string
	Metrics               []string
	Deleted               bool
}

// Organization is the one organization of a world.
type Organization struct {
	CreatedAt, ModifiedAt Time
	Name, Slug, Email     string
	Status                string
}

// Upload is a file that was uploaded, or was to be.
type Upload struct {
	CreatedAt, DeletedAt      Time
	Service, Name, Mime       string // Service "": there is no file of this number
	Version, Etag             string // "" = null
	Size                      int64
	Pending, Malicious, Hexed bool
}
