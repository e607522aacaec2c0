package main

import (
	"os"
	"runtime/debug"
)

// tuneMemory spends memory on speed, within bounds. A sync has a few pages of JSON in use, which are garbage as soon as they are
// stored. By default Go collects garbage each time that the heap has doubled, which costs a fifth of the time of a sync. GOGC and
// GOMEMLIMIT in the environment win.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(64 << 20)
	}
}
