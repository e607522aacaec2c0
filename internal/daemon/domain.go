package daemon

import (
	"cmp"

	"syncd/internal/catalog"
	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/store/pg"
	"syncd/internal/store/removal"
)

// nightly is the schedule of sweeps of streams that name none of their own: a sweep costs one request per 100 rows, which is
// cheap enough once a night.
const nightly = "0 3 * * *"

// Domain returns what settings are checked against.
func Domain() config.Domain {
	all := catalog.Entries()
	d := config.Domain{
		SelectStreams:  func(list string) (off map[string]bool, err error) { return catalog.Select(list, all) },
		CheckDatabase:  pg.CheckDSN,
		RedactDatabase: pg.RedactDSN,
		Schemas:        removal.Schemas,
		PolarVersion:   fetch.DefaultVersion,
	}
	for _, s := range all {
		d.Streams = append(d.Streams, config.Stream{Name: s.Name, OptIn: s.OptIn, Schedule: cmp.Or(s.Schedule, nightly)})
	}
	return d
}
