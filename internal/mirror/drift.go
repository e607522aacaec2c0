package mirror

import (
	"context"

	"syncd/internal/item"
)

// recordDrift puts down what the run met. That it could not is no reason to fail the run: the next one meets it again.
func (sw *sweep) recordDrift(ctx context.Context) {
	if echo := sw.r.Client.VersionEcho(); echo != "" && (echo != sw.r.Client.Version() || sw.r.Client.Retired() != "") {
		sw.drift.Note(item.OtherVersion, "Polar-Version", echo)
	}
	if err := sw.r.noteVersion(ctx, sw.r.version.Load()); err != nil {
		sw.r.Log.WarnContext(ctx, "the version of the API is not recorded", "error", err)
	}
	found := sw.drift.Findings()
	if len(found) == 0 {
		return
	}
	l := sw.r.Log.With("stream", sw.s.Name)
	fresh, err := sw.run.RecordDrift(ctx, found)
	if err != nil {
		l.WarnContext(ctx, "drift not recorded", "error", err)
	}
	for _, d := range fresh {
		l.WarnContext(ctx, "Polar answers otherwise than this syncd knows", "kind", d.Kind, "field", d.Field, "value", d.Value, "sample", d.Sample)
	}
}
