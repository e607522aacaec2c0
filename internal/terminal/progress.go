package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"

	"syncd/internal/humanize"
	"syncd/internal/mirror"
)

// Mode is how progress is shown.
type Mode int

// The modes.
const (
	Silent Mode = iota // not at all: nobody looks, or the log reports
	Lines              // a line for each stream that has ended, and one now and then that sums up
	Live               // a frame at the bottom of a terminal: the streams that are being read, and one line that sums up
)

// ModeOf is how progress can be shown on w. term is the kind of terminal, as in the variable TERM.
func ModeOf(w io.Writer, term string) Mode {
	if IsTerminal(w) && term != "dumb" {
		return Live
	}
	return Lines
}

const (
	drawEvery = 200 * time.Millisecond
	tellEvery = 10 * time.Second
)

// Progress shows runs while they are made, and knows how far each has come.
type Progress struct {
	mode   Mode
	screen *screen
	logs   *SwapWriter
	now    func() time.Time
	began  time.Time
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once

	mu       sync.Mutex
	runs     []*standing // in the order of their starts
	expected int         // streams that will be read; 0 = nobody knows
	costs    map[string]int
	requests func() int64
	first    chan struct{} // closed when the first run starts
}

var _ mirror.Observer = (*Progress)(nil)

// standing is how far the run of a stream has come.
type standing struct {
	stream  string
	rows    int // different rows, as far as Polar's count tells
	total   int // by Polar's count; -1 = unknown
	began   time.Time
	running bool
}

// NewProgress shows runs on w until Close. In the mode Live, lines written to logs appear above the frame meanwhile.
func NewProgress(mode Mode, w io.Writer, logs *SwapWriter) *Progress {
	p := newProgress(mode, w, time.Now)
	p.logs = logs
	every := tellEvery
	switch mode {
	case Silent:
		close(p.ended)
		return p
	case Live:
		every = drawEvery
		logs.swap(p.screen)
	}
	go func() {
		defer close(p.ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.show()
			case <-p.stop:
				return
			}
		}
	}()
	return p
}

func newProgress(mode Mode, w io.Writer, now func() time.Time) *Progress {
	return &Progress{
		mode: mode, screen: &screen{w: w, size: func() (int, int) { return sizeOf(w) }}, now: now, began: now(),
		stop: make(chan struct{}), ended: make(chan struct{}), first: make(chan struct{}), requests: func() int64 { return 0 },
	}
}

// Estimates tells whether an estimate of what is left is worth requests.
func (p *Progress) Estimates() bool { return p.mode == Live }

// Started is closed when the first run starts.
func (p *Progress) Started() <-chan struct{} { return p.first }

// Close leaves the sum on the terminal, and releases it.
func (p *Progress) Close() {
	p.once.Do(func() {
		close(p.stop)
		<-p.ended
		if p.mode != Live {
			return
		}
		p.mu.Lock()
		sum := p.sum(p.now())
		if len(p.runs) == 0 {
			sum = nil
		}
		p.mu.Unlock()
		p.screen.draw(nil)
		if len(sum) > 0 {
			columns, _ := p.screen.size()
			fmt.Fprintln(p.screen.w, clip(fit(sum, columns-1), columns-1))
		}
		p.logs.swap(p.screen.w)
	})
}

// Expect says how many streams will be read.
func (p *Progress) Expect(streams int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = streams
}

// ExpectRequests says how many requests a whole run of a stream takes, for those streams that it is known of.
func (p *Progress) ExpectRequests(costs map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.costs = costs
}

// CountRequests says where to ask for the requests that were sent.
func (p *Progress) CountRequests(sent func() int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = sent
}

// RunStarted shows the stream: the first page tells how many rows there are. A stream may be read more than once.
func (p *Progress) RunStarted(stream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.runs) == 0 {
		p.began = p.now()
		close(p.first)
	}
	s := p.find(stream)
	if s == nil {
		s = &standing{stream: stream, total: -1}
		p.runs = append(p.runs, s)
	}
	s.running, s.began = true, p.now()
}

// PageStored takes down how far the stream is. Rows that come again are counted once: what exceeds the count of Polar's are those.
func (p *Progress) PageStored(stream string, rows, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.find(stream)
	if s == nil {
		return
	}
	if s.rows, s.total = rows, total; total >= 0 {
		s.rows = min(rows, total)
	}
}

// RunFinished takes down that the stream is done with.
func (p *Progress) RunFinished(r mirror.Result) {
	p.mu.Lock()
	if s := p.find(r.Stream); s != nil {
		s.running = false
		if r.Distinct > 0 {
			s.rows = r.Distinct
		}
	}
	p.mu.Unlock()
	if p.mode == Lines && (r.RunID > 0 || r.Outcome == mirror.Failed) {
		p.tell(resultLine(r))
	}
}

// At is how far the run of a stream has come: its different rows, and how many there are by Polar's count; -1 = unknown.
func (p *Progress) At(stream string) (rows, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.find(stream); s != nil {
		return s.rows, s.total
	}
	return 0, -1
}

func (p *Progress) find(stream string) *standing {
	for _, s := range p.runs {
		if s.stream == stream {
			return s
		}
	}
	return nil
}

// show draws the frame, or tells the sum.
func (p *Progress) show() {
	columns, rows := p.screen.size()
	p.mu.Lock()
	var frame, sum []string
	switch {
	case p.mode == Live:
		frame = p.frame(columns-1, rows-1)
	case len(p.runs) > 0:
		sum = p.sum(p.now())
	}
	p.mu.Unlock()
	switch {
	case p.mode == Live:
		p.screen.draw(frame)
	case len(sum) > 0:
		p.tell(fit(sum, 1000))
	}
}

// tell writes a line; one that nobody reads ends nothing.
func (p *Progress) tell(line string) {
	_, _ = fmt.Fprintln(p.logs, line)
}

// resultLine is the outcome of a run as a line.
func resultLine(r mirror.Result) string {
	line := fmt.Sprintf("%s: %s rows, %s requests, %s: %s", r.Stream, humanize.Count(rowsOf(r)), humanize.Count(r.Requests), humanize.Elapsed(r.Duration), OutcomeText(r))
	if r.Reason != "" && r.Outcome != mirror.Interrupted && !r.Unavailable {
		line += ": " + humanize.Line(r.Reason, 300)
	}
	return line
}
