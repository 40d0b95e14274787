package service

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// apart gives the command a process group of its own. Only the command itself can be
// killed when its time is over.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.WaitDelay = time.Second
}

// alive reports whether a process of this number is there and has not ended.
func alive(pid int) bool {
	const queryLimited, stillActive = 0x1000, 259
	h, err := syscall.OpenProcess(queryLimited, false, uint32(pid))
	if err != nil {
		return errors.Is(err, syscall.ERROR_ACCESS_DENIED)
	}
	defer func() { _ = syscall.CloseHandle(h) }()
	var code uint32
	return syscall.GetExitCodeProcess(h, &code) == nil && code == stillActive
}

// fileNumber is not known here: a log that shrank was begun anew.
func fileNumber(os.FileInfo) uint64 { return 0 }
