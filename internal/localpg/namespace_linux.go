package localpg

import (
	"os"
	"syscall"
)

// namespace puts a process into a user namespace in which this user is uid and gid. Files keep their owner.
func namespace(uid, gid uint32) (syscall.SysProcAttr, bool) {
	return syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: int(uid), HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: int(gid), HostID: os.Getegid(), Size: 1}},
	}, true
}
