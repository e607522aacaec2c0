package mcp

import (
	"context"
	"time"
)

// Verdict is what `syncd verify` says of a stream.
type Verdict struct {
	Stream      string    `json:"stream"`
	Verdict     string    `json:"verdict"` // whole, missing, unavailable, off
	Reason      string    `json:"reason,omitempty"`
	DataThrough time.Time `json:"data_through,omitzero"`
}

// about says how far an answer can be trusted.
type about struct {
	DataThrough time.Time `json:"data_through,omitzero"` // of the stream that is furthest behind; zero: one was never read whole
	Verdict     string    `json:"verdict"`
	Streams     []Verdict `json:"streams"`
	Note        string    `json:"note,omitempty"`
}

const (
	whole    = "whole"
	notWhole = "not known to be whole"
)

// verdicts are those of all streams at one moment.
type verdicts struct {
	all   []Verdict
	wrong string
}

func (s *Server) verdicts(ctx context.Context) (v verdicts, err error) {
	v.all, v.wrong, err = s.cfg.Verdicts(ctx)
	return v, err
}

// about says it for the streams behind tables; for all streams that are on if none is.
func (v verdicts) about(streams map[string]string, tables []string) about {
	asked := map[string]bool{}
	for _, t := range tables {
		if stream := streams[t]; stream != "" {
			asked[stream] = true
		}
	}
	a := about{Verdict: whole, Note: v.wrong, Streams: []Verdict{}}
	never := false
	for _, st := range v.all {
		isOn := st.Verdict == whole || st.Verdict == "missing"
		if !asked[st.Stream] && (len(asked) > 0 || !isOn) {
			continue
		}
		if st.Verdict != whole {
			a.Verdict = notWhole
		}
		never = never || st.DataThrough.IsZero()
		if a.DataThrough.IsZero() || st.DataThrough.Before(a.DataThrough) {
			a.DataThrough = st.DataThrough
		}
		a.Streams = append(a.Streams, st)
	}
	if v.wrong != "" || len(a.Streams) == 0 {
		a.Verdict = notWhole
	}
	if never {
		a.DataThrough = time.Time{}
	}
	return a
}
