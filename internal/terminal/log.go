package terminal

import (
	"context"
	"io"
	"log/slog"
	"time"

	"syncd/internal/mirror"
)

// NewLog makes a log of lines on w: JSON, or else text. Durations are whole milliseconds, and the name says so: "left" becomes
// "left_ms".
func NewLog(w io.Writer, asJSON bool, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			return slog.Int64(a.Key+"_ms", a.Value.Duration().Round(time.Millisecond).Milliseconds())
		}
		return a
	}}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// Beside is a log for work whose results are shown: it has what needs attention, without the lines that repeat the results.
func Beside(log *slog.Logger) *slog.Logger { return slog.New(beside{log.Handler()}) }

type beside struct{ slog.Handler }

func (b beside) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && b.Handler.Enabled(ctx, level)
}

func (b beside) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == mirror.FinishedRun {
		return nil
	}
	return b.Handler.Handle(ctx, r)
}

func (b beside) WithAttrs(attrs []slog.Attr) slog.Handler { return beside{b.Handler.WithAttrs(attrs)} }
func (b beside) WithGroup(name string) slog.Handler       { return beside{b.Handler.WithGroup(name)} }
