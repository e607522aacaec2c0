package polarsim

func meterList() *resource {
	return &resource{
		path: "/v1/meters/", kind: KindMeter, scopes: []string{"meters:read", "meters:write"},
		rows: func(w *World) int { return len(w.meters) },
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.meters[n].CreatedAt }),
			byText("name", func(w *World, n Ref) string { return w.meters[n].Name })},
		sorting: []string{"name"},
		filters: map[string]filter{"is_archived": flag(func(w *World, n Ref) bool { return w.meters[n].ArchivedAt != 0 }),
			"query":    containing(func(w *World, n Ref) []string { return []string{w.meters[n].Name} }),
			"metadata": metadata(func(w *World, n Ref) string { return w.meters[n].Metadata })},
		render: (*World).renderMeter,
	}
}

func customerMeterList() *resource {
	return &resource{
		path: "/v1/customer-meters/", kind: KindCustomerMeter, scopes: []string{"customer_meters:read"},
		rows:   func(w *World) int { return len(w.customerMeters) },
		unless: func(w *World, n Ref) bool { return w.meters[w.customerMeters[n].Meter].ArchivedAt != 0 }, asked: "meter_id",
		sorts: []sortKey{byTime("created_at", func(w *World, n Ref) Time { return w.customerMeters[n].CreatedAt }),
			byTime("modified_at", func(w *World, n Ref) Time { return w.customerMeters[n].ModifiedAt }),
			byID("customer_id", KindCustomer, meterCustomer), byText("customer_name", func(w *World, n Ref) string { return customerName(w, meterCustomer(w, n)) }),
			byID("meter_id", KindMeter, meterMeter), byText("meter_name", func(w *World, n Ref) string { return w.meters[meterMeter(w, n)].Name }),
			byNumber("consumed_units", func(w *World, n Ref) float64 { return w.customerMeters[n].Consumed }),
			byNumber("credited_units", func(w *World, n Ref) int64 { return w.customerMeters[n].Credited }),
			byNumber("balance", func(w *World, n Ref) float64 { return w.customerMeters[n].Balance() })},
		sorting: []string{"-modified_at"},
		filters: map[string]filter{"customer_id": reference(KindCustomer, meterCustomer), "external_customer_id": external(meterCustomer),
			"meter_id": reference(KindMeter, meterMeter)},
		render: (*World).renderCustomerMeter,
	}
}

func meterCustomer(w *World, n Ref) Ref { return w.customerMeters[n].Customer }

func meterMeter(w *World, n Ref) Ref { return w.customerMeters[n].Meter }
