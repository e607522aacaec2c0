package daemon

import (
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/store"
)

// A sweep costs one request per 100 rows. Once a night it is cheap enough for every stream. Polar's metrics change by the hour
// and cost a handful of requests whatever the size of the organization.
const (
	nightly = "0 3 * * *"
	hourly  = "@every 1h"
	weekly  = "0 5 * * 0"
)

// otherSchedules are the default schedules of streams that are not swept nightly.
func otherSchedules() map[string]string {
	return map[string]string{
		"metrics": hourly,
		// What costs most, where it is on.
		"events": weekly, "license_key_activations": weekly, "payment_methods": weekly,
		// A little after the sweeps, so that the rows that those of an export belong to are there.
		"customers_export": "20 4 * * *", "orders_export": "25 4 * * *", "subscriptions_export": "30 4 * * *", "metrics_export": "35 4 * * *",
	}
}

// Domain returns what settings are checked against.
func Domain() config.Domain {
	all, others := mirror.Streams(), otherSchedules()
	d := config.Domain{
		SelectStreams:  func(list string) (off map[string]bool, err error) { return mirror.Select(list, all) },
		CheckDatabase:  store.CheckDSN,
		RedactDatabase: store.RedactDSN,
		PolarVersion:   fetch.DefaultVersion,
	}
	for _, s := range all {
		schedule := nightly
		if other, is := others[s.Name]; is {
			schedule = other
		}
		d.Streams = append(d.Streams, config.Stream{Name: s.Name, OptIn: s.OptIn, Schedule: schedule})
	}
	return d
}
