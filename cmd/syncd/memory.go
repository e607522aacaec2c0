package main

import (
	"os"
	"runtime/debug"
)

// tuneMemory spends memory on speed, within bounds. What is in use are a few pages of JSON, and they are garbage as soon
// as they are stored: collected each time that the memory has doubled, as by default, they cost a fifth of the time of a
// sync. GOGC and GOMEMLIMIT in the environment go before.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(64 << 20)
	}
}
