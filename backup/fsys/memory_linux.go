package fsys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// heapArena is how much address space the runtime takes at a time, and aligns to that.
const heapArena = 64 << 20

// largePages asks for large pages in the whole piece of the heap that b lies in, since what
// else is allocated comes from there too. It is advice, for memory that is mapped already:
// where it cannot be followed nothing is lost.
func largePages(b []byte) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) &^ (heapArena - 1)
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, at, heapArena, unix.MADV_HUGEPAGE)
}
