package quick

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestWarm(t *testing.T) {
	warm()
	at, size := ahead()
	there := make([]byte, (int(size)+unix.Getpagesize()-1)/unix.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, at, size, uintptr(unsafe.Pointer(unsafe.SliceData(there)))); errno != 0 {
		t.Fatal(errno)
	}
	for i, page := range there {
		if page&1 == 0 {
			if !supported(t) {
				t.Skip("this system has no MADV_POPULATE_WRITE (Linux 5.14)")
			}
			t.Fatalf("page %d of the heap's first piece is not there", i)
		}
	}
}

// supported reports whether the system knows the advice.
func supported(t *testing.T) bool {
	t.Helper()
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(page) }()
	return unix.Madvise(page, populateWrite) == nil
}
