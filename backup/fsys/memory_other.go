//go:build !linux

package fsys

func largePages([]byte) {}
