package localpg

import "syscall"

const (
	sharedMemory = "/dev/shm"
	tmpfs        = 0x01021994 // TMPFS_MAGIC in statfs(2)
	roomInMemory = 4 << 30    // the log alone may take max_wal_size, and go test runs several packages at a time
)

// MemoryDir is a directory for [Options.Dir] that is in memory and has room for the cluster of a test process, or "". A
// database is hundreds of small files, and a file system on a disk takes several times as long to make and to drop them,
// whether it syncs or not. A container has 64 MB there unless it was given more.
func MemoryDir() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < roomInMemory {
		return ""
	}
	return sharedMemory
}
