package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
)

// SwapWriter is a writer whose target can change while others write.
type SwapWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *SwapWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

func (s *SwapWriter) swap(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

// Progress shows runs as bars on a terminal. Without a terminal it shows nothing, and the log reports instead.
type Progress struct {
	bars *mpb.Progress // nil = no terminal
	logs *SwapWriter
	back io.Writer // where log lines go without bars
	once sync.Once

	mu      sync.Mutex
	streams map[string]*streamBar
}

var _ mirror.Observer = (*Progress)(nil)

type streamBar struct {
	bar  *mpb.Bar
	mu   sync.Mutex
	note string
}

// NewSwapWriter makes a writer to w.
func NewSwapWriter(w io.Writer) *SwapWriter { return &SwapWriter{w: w} }

// NewProgress shows runs on w if that is a terminal. Lines written to logs appear above the bars then, and go to w again after Close.
func NewProgress(w io.Writer, logs *SwapWriter) *Progress {
	p := &Progress{logs: logs, back: w, streams: map[string]*streamBar{}}
	if IsTerminal(w) {
		// The bars are drawn a last time even when the context of the work has ended.
		p.bars = mpb.NewWithContext(context.Background(), mpb.WithOutput(w), mpb.WithWidth(40))
		logs.swap(p.bars) // log lines appear above the bars
	}
	return p
}

// IsTerminal tells whether somebody looks at what is written.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// Shows tells whether there are bars.
func (p *Progress) Shows() bool { return p.bars != nil }

// Close leaves the bars as they are and releases the terminal.
func (p *Progress) Close() {
	if p.bars == nil {
		return
	}
	p.once.Do(func() {
		p.mu.Lock()
		for _, s := range p.streams {
			s.bar.Abort(false)
		}
		p.mu.Unlock()
		p.bars.Wait()
		p.logs.swap(p.back)
	})
}

// RunStarted shows an empty bar: the first page tells how many rows there are.
func (p *Progress) RunStarted(stream string) {
	if p.bars == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &streamBar{}
	s.bar = p.bars.AddBar(0,
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-27s", stream))),
		mpb.AppendDecorators(decor.Any(func(st decor.Statistics) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			if st.Total > 0 {
				return fmt.Sprintf("%9s / %s rows  %s", humanize.Count(st.Current), humanize.Count(st.Total), s.note)
			}
			return fmt.Sprintf("%9s rows  %s", humanize.Count(st.Current), s.note)
		})))
	p.streams[stream] = s
}

// PageStored moves the bar. The total moves too when rows come or go meanwhile.
func (p *Progress) PageStored(stream string, rows, total int) {
	if s := p.barOf(stream); s != nil {
		if total >= 0 {
			s.bar.SetTotal(int64(max(rows, total)), false)
		}
		s.bar.SetCurrent(int64(rows))
	}
}

// RunFinished leaves the bar in place, with the outcome.
func (p *Progress) RunFinished(r mirror.Result) {
	s := p.barOf(r.Stream)
	if s == nil {
		return
	}
	s.mu.Lock()
	s.note = OutcomeText(r)
	s.mu.Unlock()
	if r.Outcome == mirror.Succeeded {
		s.bar.SetTotal(-1, true) // no more rows will come
		return
	}
	s.bar.Abort(false)
}

func (p *Progress) barOf(stream string) *streamBar {
	if p.bars == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams[stream]
}
