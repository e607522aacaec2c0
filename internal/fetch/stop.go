package fetch

import "context"

type stopKey struct{}

// WithStop returns a context whose requests are given up when stop ends; other work under the context goes on. So a process that
// is to stop still stores the page that has come.
func WithStop(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

// IsStopped tells whether requests under the context are given up.
func IsStopped(ctx context.Context) bool {
	stop, is := ctx.Value(stopKey{}).(context.Context)
	return ctx.Err() != nil || is && stop.Err() != nil
}

// stoppable is the context of a request: it also ends with the context given to WithStop, with the same cause.
func stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	stop, is := ctx.Value(stopKey{}).(context.Context)
	if !is {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if stop.Err() != nil { // at once, so that nothing is sent
		cancel(context.Cause(stop))
		return ctx, func() {}
	}
	release := context.AfterFunc(stop, func() { cancel(context.Cause(stop)) })
	return ctx, func() { release(); cancel(nil) }
}
