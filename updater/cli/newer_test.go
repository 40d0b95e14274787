package cli

import (
	"bytes"
	"io"
	"os"
	"runtime"
	_ "unsafe" // to set the second schema that manifests may have

	"github.com/rogpeppe/go-internal/testscript"
)

// A newer updater is this test program with its version behind it: bytes after the end of
// a program are nobody's. From 2 on it reads and writes another schema of manifests.

//go:linkname nextSchema inplace/manifest.next
var nextSchema string

const versionMark = "\ninplace test version "

// testVersion is the version of this test program.
func testVersion() string {
	const old = "1.0.0-test"
	exe, err := os.Executable()
	if err != nil {
		return old
	}
	f, err := os.Open(exe)
	if err != nil {
		return old
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(-64, io.SeekEnd); err != nil {
		return old
	}
	end, _ := io.ReadAll(f)
	_, version, ok := bytes.Cut(end, []byte(versionMark))
	if !ok {
		return old
	}
	nextSchema = "inplace/manifest/2"
	return string(version)
}

// cmdNewer makes FILE the test program as version V: newer V FILE. The variable PLATFORM is
// what it is published for.
func cmdNewer(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	exe, err := os.Executable()
	ts.Check(err)
	data, err := os.ReadFile(exe)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), append(data, versionMark+args[0]...), 0o755))
	ts.Setenv("PLATFORM", runtime.GOOS+"-"+runtime.GOARCH)
}
