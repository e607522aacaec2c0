package polarsim

// afterSales are the lists of what follows a sale.
func afterSales() []*resource { return nil }
