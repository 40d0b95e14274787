package fsys

import (
	"runtime"
	"runtime/debug"
)

// bigMemory is from how many bytes on memory is worth a word to the system.
const bigMemory = 256 << 10

// Memory is size bytes of zeros to read a large file into. The system is asked to back
// them by large pages: page by page, handing out the memory for the inventory of 10,000
// files can take longer than reading it.
func Memory(size int64) []byte {
	b := make([]byte, size)
	if size >= bigMemory {
		largePages(b)
	}
	return b
}

// GrowHeap lets the heap grow by size bytes at once, on large pages, for who is about to
// fill that much with small things, where the system takes long to hand out pages one by
// one. Memory that stays untouched is not taken from the system.
func GrowHeap(size int64) {
	if pagesAreDear() {
		growHeap(size)
	}
}

// growHeap costs a collection, which finds next to nothing where it is called early.
func growHeap(size int64) {
	percent := debug.SetGCPercent(-1) // or so large a piece would begin a collection by itself
	largePages(make([]byte, size))
	debug.SetGCPercent(percent)
	runtime.GC() // what the heap grew by is free now, and what is allocated next comes from it
}
