package updater

import (
	"runtime/debug"

	"inplace/backup/fsys"
)

// expectMemory tells the collector what a run over inventories of so many bytes and over
// so many changed paths needs. Left alone it lets the heap grow to twice of what is in
// use, which for 100,000 files would be 30 MB of nothing; and as the inventories are
// most of the heap, and text that it need not scan, collecting earlier costs little. The
// limit is a soft one and well above what is in use. A run over a small tree is over
// before a collection pays: it is let grow to 16 MB first.
func expectMemory(inventories, changes int) {
	const tiny, small, base, perChange = 3 << 20, 8 << 20, 11 << 20, 2 << 10
	percent := 100
	if inventories <= tiny {
		percent = 400
	}
	debug.SetGCPercent(percent)
	if inventories > small {
		debug.SetMemoryLimit(int64(base + inventories + inventories/4 + changes*perChange))
	}
}

// reserveMemory takes at once, before anything is read, what a run that changes something
// will fill with entries and records. Only looking is over sooner than that pays, and
// large trees are collected often enough to fill the same memory again.
func (u *Updater) reserveMemory() {
	const base, most = 8 << 20, 24 << 20
	if info, err := u.tree.Lstat(inventoryPath); err == nil && base+8*info.Size <= most {
		fsys.GrowHeap(base + 8*info.Size)
	}
}
