package main

import (
	"os"
	"runtime/debug"
)

// tuneMemory trades memory for speed, within bounds. A sync uses a few pages of JSON, which are garbage as soon as they are
// stored. By default Go collects garbage each time that the heap has doubled, which costs a fifth of the time of a sync. GOGC and
// GOMEMLIMIT in the environment override this.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(64 << 20)
	}
}
