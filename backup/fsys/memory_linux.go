package fsys

import (
	"os"
	"time"
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

// pagesAreDear measures whether the system takes more than some microseconds to hand out a
// page on first use. Mostly it takes less than one; on virtual machines without page tables
// of their own 20.
func pagesAreDear() bool {
	const pages, dear = 16, 5 * time.Microsecond
	size := os.Getpagesize()
	b, err := unix.Mmap(-1, 0, pages*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(b) }()
	start := time.Now()
	for at := 0; at < len(b); at += size {
		b[at] = 1
	}
	return time.Since(start) > pages*dear
}
