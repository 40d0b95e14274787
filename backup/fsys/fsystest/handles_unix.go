//go:build unix

package fsystest

import (
	"syscall"
	"testing"
)

// Handles lets the process have at most n files open until the test ends; those that are
// open stay so.
func Handles(t testing.TB, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	set := func(n uint64) {
		t.Helper()
		low := limit
		low.Cur = n
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
			t.Fatal(err)
		}
	}
	set(n)
	t.Cleanup(func() { set(limit.Cur) })
}
