// Package phases says how long how many processes are measured.
package phases

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Phase is a time of measuring.
type Phase struct {
	Processes int
	During    time.Duration
	Kill      time.Duration // how often one of them is killed; 0 = never
}

// List are phases, one after the other: a flag.
type List []Phase

// String is what Set reads.
func (ps *List) String() string {
	texts := make([]string, len(*ps))
	for i, p := range *ps {
		texts[i] = fmt.Sprintf("%dx%s", p.Processes, p.During)
		if p.Kill > 0 {
			texts[i] += "/" + p.Kill.String()
		}
	}
	return strings.Join(texts, ",")
}

// Set reads such as 1x5m,3x10m/1m.
func (ps *List) Set(text string) error {
	*ps = nil
	for one := range strings.SplitSeq(text, ",") {
		var p Phase
		processes, rest, _ := strings.Cut(one, "x")
		during, kill, _ := strings.Cut(rest, "/")
		var wrong [3]error
		p.Processes, wrong[0] = strconv.Atoi(processes)
		p.During, wrong[1] = time.ParseDuration(during)
		p.Kill, wrong[2] = time.ParseDuration(cmp.Or(kill, "0s"))
		if err := errors.Join(wrong[:]...); err != nil || p.Processes < 1 || p.During <= 0 || p.Kill < 0 {
			return fmt.Errorf("%q: want processes and a time, such as 3x10m, or 3x10m/1m with how often one is killed", one)
		}
		*ps = append(*ps, p)
	}
	return nil
}
