package main

import (
	"os"
	"runtime/debug"
)

// heap is how much memory Go's heap may take: for one organization, and for each further one of a fleet, up to a most. A collector that
// has too little runs all the time.
const (
	heapOfOne  = 64 << 20
	heapOfEach = 16 << 20
	heapMost   = 320 << 20
)

// tuneMemory trades memory for speed, within bounds. A sync uses a few pages of JSON, which are garbage as soon as they are
// stored. By default Go collects garbage each time that the heap has doubled, which costs a fifth of the time of a sync. GOGC and
// GOMEMLIMIT in the environment override this.
func tuneMemory(organizations int) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(min(heapOfOne+int64(max(0, organizations-1))*heapOfEach, heapMost))
	}
}
