package fsys

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
