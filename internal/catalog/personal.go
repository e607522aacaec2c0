package catalog

import (
	"maps"
	"strings"
)

// Treatment is what is done with a column of personal data where a person is not to be known by it.
type Treatment string

const (
	// Identifier is replaced by a keyed hash of it, so that equal values stay equal: joins and counts of distinct values still work.
	Identifier Treatment = "identifier"
	// Text is cleared: the column is null.
	Text Treatment = "text"
	// Document is JSON that may hold anything, and is cleared: {}.
	Document Treatment = "document"
	// Region is the part of an address by which taxes are summed. It is hidden like Text, and stays when a person is erased.
	Region Treatment = "region"
	// None: the column holds no personal data.
	None Treatment = "none"
)

// Personal says of each column of a table that is text or JSON whether it holds personal data of the organization's customers. Names
// have spaces between them. A contract test compares it with the database.
//
// What the organization says of itself and of what it sells is not personal, nor is the country of an address. _extra needs no
// mention: it is a document in every table, as nobody knows what Polar will put there.
type Personal struct {
	Identifiers string
	Texts       string
	Documents   string
	Regions     string
	None        string
}

// Columns is the treatment of each column.
func (p Personal) Columns() map[string]Treatment {
	columns := map[string]Treatment{}
	for treatment, names := range map[Treatment]string{Identifier: p.Identifiers, Text: p.Texts, Document: p.Documents, Region: p.Regions, None: p.None} {
		for name := range strings.FieldsSeq(names) {
			columns[name] = treatment
		}
	}
	return columns
}

// PersonalData is what every table and view of the data is classified as, by table or view and column.
func PersonalData() map[string]map[string]Treatment {
	all := map[string]map[string]Treatment{"changes": changesPersonal().Columns()}
	for _, s := range Entries() {
		for table, personal := range s.Personal {
			columns := personal.Columns()
			all[table+"_live"] = maps.Clone(columns)
			columns["_extra"] = Document
			all[table] = columns
		}
	}
	for view, personal := range viewsPersonal() {
		all[view] = personal.Columns()
	}
	return all
}

// PersonalBookkeeping is the same of the tables of the bookkeeping.
func PersonalBookkeeping() map[string]map[string]Treatment {
	all := map[string]map[string]Treatment{}
	for table, personal := range bookkeepingPersonal() {
		all[table] = personal.Columns()
	}
	return all
}

// changesPersonal is the table of changes. Its documents hold columns of other tables: those of them that are personal are taken out.
func changesPersonal() Personal {
	return Personal{Documents: "old new", None: "stream operation source retention"}
}

// bookkeepingPersonal are the tables in the schema of the bookkeeping. What is in them came from Polar, or quotes it.
func bookkeepingPersonal() map[string]Personal {
	return map[string]Personal{
		"sync_budget_holders":  {None: "holder"},
		"sync_changes":         {Texts: "value", None: "stream filter"}, // an id, or the owner's own id of a customer
		"sync_drift":           {Texts: "value", None: "stream kind field"},
		"sync_erasures":        {Texts: "asked_by", None: "reason"}, // and hashes, which are bytea
		"sync_feed_entries":    {None: "feed"},
		"sync_feeds":           {None: "feed"},
		"sync_findings":        {Texts: "key mirror_value other_value evidence", None: "stream kind field"},
		"sync_history_dropped": {None: "stream"},
		"sync_history_events":  {Documents: "metadata _extra", None: "name"},
		"sync_meta":            {None: "server polar_version polar_version_retired"},
		"sync_mrr":             {None: "basis"},
		"sync_mrr_spans":       {None: "currency version state status recurring_interval"},
		"sync_rejects":         {Texts: "key reason", None: "stream copied_from"}, // and body, which is bytea
		"sync_row_counts":      {None: "stream writer"},
		"sync_runs":            {Texts: "reason error", None: "stream kind holder outcome error_class verdict"},
		"sync_safe":            {None: "made_by erasure_made_by"}, // and the keys, which are bytea
		"sync_seen":            {None: "stream"},
		"sync_streams":         {Documents: "checkpoint tail", Texts: "unavailable sweep_due", None: "stream lease_holder covered_by"},
		"sync_stubs":           {None: "stream copied_from"},
		"sync_suspects":        {None: "stream"},
		"sync_tombstones":      {Texts: "evidence", None: "stream"},
		"sync_views":           {None: "name kind hash acl"},
	}
}

// viewsPersonal are the views, but for TABLE_live, whose columns are those of the table.
func viewsPersonal() map[string]Personal {
	return map[string]Personal{
		"balance_ledger":           {None: "name currency presentment_currency"},
		"checkout_funnel_daily":    {None: "currency"},
		"currencies":               {None: "code"},
		"customer_lifetime_values": {None: "currency"},
		"customers_enriched":       {Identifiers: "external_id email", Texts: "name", Documents: "metadata", None: "type country lifetime_amounts mrr_amounts"},
		"discount_usage":           {None: "name code currency"},
		"dunning_cases":            {None: "currency order_status first_decline_reason outcome subscription_status"},
		"freshness":                {None: "stream sweep_due unavailable covered_by"},
		"fx_daily":                 {None: "currency"},
		"history":                  {None: "table_name stream retention"},
		"metrics_history":          {None: "interval timezone slug"},
		"metrics_reconciled":       {None: "interval timezone slug verdict reason definition"},
		"migrated_subscriptions":   {Identifiers: "provider_subscription_id", None: "provider"},
		"mrr_daily":                {None: "currency"},
		"mrr_daily_polar":          {None: "currency"},
		"mrr_movements":            {None: "currency movement"},
		"order_items_enriched":     {None: "order_status currency label price_type product_name"},
		"orders_enriched": {Identifiers: "customer_external_id customer_email", Texts: "state", Documents: "metadata",
			None: "status billing_reason description invoice_number product_name discount_code currency platform_fee_currency country"},
		"payments_enriched":     {Identifiers: "customer_external_id customer_email", None: "status currency method card_brand trigger decline_reason"},
		"product_price_history": {None: "version_source source amount_type type recurring_interval price_currency tax_behavior seat_tiers tiers unit_label"},
		"revenue_daily":         {None: "currency"},
		"subscription_charges":  {None: "source"},
		"subscription_history": {Texts: "customer_cancellation_comment", Documents: "metadata custom_field_data",
			None: "version_source status currency recurring_interval customer_cancellation_reason pending_update"},
		"subscriptions_enriched": {Identifiers: "customer_external_id customer_email", Documents: "metadata",
			None: "product_name status currency net_amount_source recurring_interval customer_cancellation_reason"},
		"tax_by_region_monthly": {None: "country state currency"}, // sums of all customers of a region
		"usage_current":         {None: "meter_name subscription_status currency"},
	}
}
