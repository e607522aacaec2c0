package polarsim

// resources is the table of lists. Sort keys, filters and what is hidden are those of polarsource/polar, server/polar/*/endpoints.py,
// sorting.py and repository.py.
func resources() []*resource {
	return []*resource{
		organizationList(), customerList(), memberList(), meterList(), customerMeterList(),
		productList(), discountList(), benefitList(), checkoutLinkList(), customFieldList(), fileList(),
		orderList(), subscriptionList(), paymentList(), refundList(), disputeList(), checkoutList(),
		grantList(), licenseKeyList(),
	}
}

// metadata is the filter metadata[key]=value.
func metadata(get func(w *World, n Ref) string) filter {
	return func(w *World, key string, values []string, _ *problems) func(Ref) bool {
		return hasMetadata(w, key, values, get)
	}
}

// external accepts rows of customers with one of the external ids.
func external(customer func(w *World, n Ref) Ref) filter {
	return among(func(w *World, n Ref) string { return w.customers[customer(w, n)].ExternalID })
}
