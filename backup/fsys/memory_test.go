package fsys

import (
	"runtime"
	"testing"
)

func TestGrowHeap(t *testing.T) {
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	growHeap(size)
	runtime.ReadMemStats(&after)
	if free := after.HeapIdle; free < size || after.HeapInuse > before.HeapInuse+size/2 {
		t.Errorf("want %d bytes more for what comes, got %d idle and %d in use (%d before)", size, free, after.HeapInuse, before.HeapInuse)
	}
}
