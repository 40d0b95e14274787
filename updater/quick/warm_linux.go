package quick

import (
	"syscall"
	"unsafe"
)

const (
	heapChunk = 4 << 20 // how much memory the runtime maps for the heap at a time, aligned to it
	hugePage  = 2 << 20

	populateWrite = 23 // MADV_POPULATE_WRITE, since Linux 5.14
)

// started lies in the first piece of the heap.
var started = new(int64)

// warm asks for the first piece of the heap at once: every command that is not answered
// here fills most of it, and each page that is handed out on first use takes 20 µs on
// virtual machines without page tables of their own. What the runtime has used already is
// on small pages and stays so; the rest becomes a large one. It is advice, and what the
// system cannot follow costs nothing.
func warm() {
	at := uintptr(unsafe.Pointer(started)) &^ (heapChunk - 1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, at, heapChunk, syscall.MADV_HUGEPAGE)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, at, hugePage, populateWrite)
}
