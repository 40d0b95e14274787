package quick

import (
	"syscall"
	"unsafe"
)

const (
	heapChunk = 4 << 20 // how much memory the runtime maps for the heap at a time, aligned to it
	heapPage  = 8 << 10 // of the runtime
	filled    = 2 << 20 // how much of the heap every command fills

	populateWrite = 23 // MADV_POPULATE_WRITE, since Linux 5.14
)

// started lies near the end of what is used of the heap so far.
var started = new(int64)

// warm asks at once for the piece of the heap that comes next: every command that is not
// answered here fills it, and each page that is handed out on first use takes 20 µs on
// virtual machines without page tables of their own. What of it makes a whole large page
// becomes one. It is advice, and what the system cannot follow costs nothing.
func warm() {
	at, size := ahead()
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, at&^(heapChunk-1), heapChunk, syscall.MADV_HUGEPAGE)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, at, size, populateWrite)
}

// ahead is the piece of the heap that comes next. The runtime begins at a random page of the
// first chunk, and what is left of it can be less than will be filled.
func ahead() (at, size uintptr) {
	at = uintptr(unsafe.Pointer(started)) &^ (heapPage - 1)
	return at, min(heapChunk-at&(heapChunk-1), filled)
}
