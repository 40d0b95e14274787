//go:build !linux

package fsys

func largePages([]byte) {}

func pagesAreDear() bool { return false }
