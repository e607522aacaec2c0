package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// SwapWriter is a writer whose target can change while others write.
type SwapWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewSwapWriter makes a writer to w.
func NewSwapWriter(w io.Writer) *SwapWriter { return &SwapWriter{w: w} }

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

// IsTerminal tells whether somebody looks at what is written.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sizeOf is the present size of the terminal behind w: that of an old one where nobody can tell.
func sizeOf(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
			return columns, rows
		}
	}
	return 80, 24
}

// screen keeps a frame of lines at the bottom of a terminal. What is written to it meanwhile appears above.
type screen struct {
	mu    sync.Mutex
	w     io.Writer
	size  func() (columns, rows int)
	frame []string
	drawn int // lines of the frame that are on the terminal
}

// Write writes whole lines above the frame.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.put(string(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// draw replaces the frame.
func (s *screen) draw(frame []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frame = frame
	_ = s.put("") // a terminal that has gone away ends nothing
}

// put erases the frame, writes above it, and draws it again. The cursor stays below the last line, so a frame has one line fewer
// than the terminal: a taller one would scroll, and its first lines would stay.
func (s *screen) put(above string) error {
	columns, rows := s.size()
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r\x1b[J" + above)
	lines := s.frame
	if most := max(0, rows-1); len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	for _, line := range lines {
		b.WriteString(clip(line, columns-1) + "\n")
	}
	s.drawn = len(lines)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// clip cuts a line to a width: a line that wraps is several.
func clip(line string, width int) string {
	if width = max(0, width); utf8.RuneCountInString(line) > width {
		return string([]rune(line)[:width])
	}
	return line
}
