package mirror

import (
	"context"

	"syncd/internal/item"
)

// recordDrift stores the drift that the run found. If that fails, the run does not: the next one finds it again.
func (run *Run) recordDrift(ctx context.Context) {
	if echo := run.engine.Client.VersionEcho(); echo != "" && (echo != run.engine.Client.Version() || run.engine.Client.RetiredVersion() != "") {
		run.drift.NoteFinding(item.OtherVersion, "Polar-Version", echo)
	}
	if err := run.engine.noteVersion(ctx, run.engine.version.Load()); err != nil {
		run.engine.Log.WarnContext(ctx, "the version of the API is not recorded", "error", err)
	}
	found := run.drift.Findings()
	if len(found) == 0 {
		return
	}
	l := run.engine.Log.With("stream", run.name)
	fresh, err := run.record.RecordDrift(ctx, found)
	if err != nil {
		l.WarnContext(ctx, "drift not recorded", "error", err)
	}
	for _, d := range fresh {
		l.WarnContext(ctx, "Polar's answers differ from what this syncd knows", "kind", d.Kind, "field", d.Field, "value", d.Value, "sample", d.Sample)
	}
}
