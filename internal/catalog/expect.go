package catalog

import "syncd/internal/item"

func intervals() []string { return []string{"day", "week", "month", "year"} }

// expectedOfPrices: a price is one of a union. Its amount_type and age decide which of the sparse fields it has.
func expectedOfPrices() item.Expect {
	return item.Expect{
		Extra: []string{"price_per_seat"},
		Sparse: []string{"type", "recurring_interval", "legacy", "price_amount", "minimum_amount", "maximum_amount", "preset_amount",
			"unit_amount", "cap_amount", "meter_id", "seat_tiers", "tiers", "minimum_units", "maximum_units", "unit_label"},
		Enums: map[string][]string{
			"source":             {"catalog", "ad_hoc"},
			"amount_type":        {"fixed", "custom", "metered_unit", "metered_tiers", "seat_based", "unit_based"},
			"tax_behavior":       {"location", "inclusive", "exclusive"},
			"type":               {"recurring", "one_time"},
			"recurring_interval": intervals(),
		},
	}
}
