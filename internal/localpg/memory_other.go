//go:build !linux

package localpg

// MemoryDir is a directory for [Options.Dir] that is in memory; there is none on this system.
func MemoryDir() string { return "" }
