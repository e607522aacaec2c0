package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch/scan"
	"syncd/internal/mirror/streams"
)

// parentsBatch is how many owners one query reads.
const parentsBatch = 1000

// bind completes the scan of a stream with what only an Engine knows: its parents, and how far back to read.
func (c *Config) bind(s streams.Stream) streams.Stream {
	switch list := s.Scan.(type) {
	case scan.Nested:
		for _, p := range s.Parents {
			list.Parents = append(slices.Clip(list.Parents), scan.Parents{Param: p.Column, After: func(ctx context.Context, id string) ([]string, error) {
				return c.owners(ctx, p, id)
			}})
		}
		s.Scan = list
	case scan.Windows:
		list.Keep = c.Retention[s.Name]
		s.Scan = list
	}
	return s
}

func (c *Config) owners(ctx context.Context, p streams.Parent, id string) ([]string, error) {
	var after uuid.UUID
	if id != "" {
		var err error
		if after, err = uuid.Parse(id); err != nil {
			return nil, fmt.Errorf("position among %s: %w", p.Stream, err)
		}
	}
	ids, err := c.Store.Rows(p.Stream).LiveIDs(ctx, p.Where, after, parentsBatch)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts, err
}

// errParents: the rows of a stream cannot be read, because its parents have not been read.
var errParents = errors.New("its parents are not known yet")

// parents checks how far the parents can be relied on. If one was never swept, that is an error; if one is not whole, this stream
// is not whole either. A whole stream is whole as of the time when its owners were known.
func (run *Run) parents(ctx context.Context) (why string, err error) {
	if len(run.s.Parents) == 0 {
		return "", nil
	}
	names := run.s.ParentNames()
	list, err := run.engine.Store.Streams().Standings(ctx, names)
	if err != nil {
		return "", err
	}
	if run.closing.AsOf, err = run.record.ParentsKnownSince(ctx, names); err != nil {
		return "", err
	}
	for _, st := range list {
		if st.Run == 0 {
			return "", fmt.Errorf("%w: %s has never been read to its end: run `syncd sync %s` first", errParents, st.Stream, st.Stream)
		}
		if missing := cmp.Or(st.Missing(), st.BrokenOff()); missing != "" && why == "" {
			why = fmt.Sprintf("it is read for each row of %s, which is not whole: %s", st.Stream, missing)
		}
	}
	if why == "" && run.closing.AsOf.IsZero() {
		why = fmt.Sprintf("it is read for each row of %s, which was not whole when it began", strings.Join(names, " and "))
	}
	return why, nil
}

// AwaitedParent names a parent of the stream that was never read to its end, or whose sweep is running or was interrupted: its children
// have to be read afterwards. It does not wait for a parent that is off or unavailable.
func (e *Engine) AwaitedParent(ctx context.Context, stream string) (parent string, err error) {
	var names []string
	for _, p := range e.lookUp(stream).Parents {
		if !e.Off[p.Stream] && !e.IsDisabled(p.Stream) {
			names = append(names, p.Stream)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	list, err := e.Store.Streams().Standings(ctx, names)
	if err != nil {
		return "", err
	}
	for _, st := range list {
		if st.Unavailable == "" && (st.Run == 0 || st.Unfinished) {
			return st.Stream, nil
		}
	}
	return "", nil
}

// spare leaves out absent rows whose owner Polar did not find. An owner that has just vanished is for its own stream to find;
// until then nothing is known of its children.
func (sw *sweep) spare(ctx context.Context, absent []uuid.UUID) ([]uuid.UUID, error) {
	if sw.gone == "" {
		return absent, nil
	}
	var owners []uuid.UUID
	for text := range strings.FieldsSeq(sw.gone) {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("an owner of %s: %w", sw.s.Name, err)
		}
		owners = append(owners, id)
	}
	columns := make([]string, len(sw.s.Parents))
	for i, p := range sw.s.Parents {
		columns[i] = p.Column
	}
	return sw.engine.Store.Rows(sw.s.Name).LeaveOutOwned(ctx, columns, owners, absent)
}

// prepare does what comes before a sweep reads: it checks the parents, and removes rows that are too old to be kept.
func (sw *sweep) prepare(ctx context.Context) error {
	if _, err := sw.parents(ctx); err != nil {
		return err
	}
	windows, dated := sw.s.Scan.(scan.Windows)
	if !dated || windows.Keep == 0 {
		return nil
	}
	since := windows.OldestKept(sw.engine.Client)
	sw.dropMonths(ctx, since)
	n, err := sw.record.DeleteExpired(ctx, windows.Field, since)
	if n > 0 {
		sw.engine.Log.InfoContext(ctx, "removed rows that are too old to be kept", "stream", sw.s.Name, "removed", n, "before", since.Format(time.DateOnly))
	}
	return err
}
