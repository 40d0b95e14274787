package running

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeProc is a process list made of plain files, for what a test cannot bring about
// with real processes: odd names, kernel threads, files that may not be read.
type fakeProc struct {
	t   *testing.T
	dir string
}

func newFakeProc(t *testing.T) fakeProc {
	t.Helper()
	p := fakeProc{t, t.TempDir()}
	p.mkdir("self/fd")
	p.process(1, "init", "S", 0, 0)
	return p
}

func (p fakeProc) mkdir(rel string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Join(p.dir, rel), 0o755); err != nil {
		p.t.Fatal(err)
	}
}

func (p fakeProc) write(rel, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, rel), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p fakeProc) link(rel, target string) {
	p.t.Helper()
	if err := os.Symlink(target, filepath.Join(p.dir, rel)); err != nil {
		p.t.Fatal(err)
	}
}

// process adds a process without files.
func (p fakeProc) process(pid int, name, state string, parent int, flags uint64) {
	p.t.Helper()
	dir := fmt.Sprint(pid)
	p.mkdir(dir + "/fd")
	p.mkdir(dir + "/fdinfo")
	p.write(dir+"/stat", fmt.Sprintf("%d (%s) %s %d 1 1 0 -1 %d 0 0\n", pid, name, state, parent, flags))
	p.write(dir+"/status", "Name:\t"+name+"\nUid:\t1000\t1001\t1002\t1003\n")
	p.write(dir+"/maps", "")
}

// install makes an installation with the files named and returns its resolved root.
func install(t *testing.T, paths ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		full := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("content of "+p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// must runs find on a fake process list.
func (p fakeProc) must(root string, opt Options) Report {
	p.t.Helper()
	if opt.SelfPID == 0 {
		opt.SelfPID = 999999
	}
	r, err := find(p.dir, root, opt)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func lines(ps []Process) string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func TestStrongestReasonAndFirstPath(t *testing.T) {
	p := newFakeProc(t)
	root := install(t, "bin/java", "lib/a.jar", "lib/b.jar")
	p.process(7, "java) S 1 (x", "S", 1, 0)
	p.link("7/fd/3", root+"/lib/b.jar")
	p.write("7/fdinfo/3", "pos:\t0\nflags:\t0100000\n")
	p.write("7/maps", "1000-2000 r--p 00000000 fe:00 1    "+root+"/lib/b.jar\n"+
		"2000-3000 r--p 00000000 fe:00 2    "+root+"/lib/a.jar\n"+
		"3000-4000 rw-p 00000000 00:00 0 \n"+
		"4000-5000 rw-p 00000000 00:00 0                          [heap]\n")
	r := p.must(root, Options{})
	if got, want := lines(r.Processes), "java) S 1 (x (pid 7) maps lib/a.jar\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if r.Processes[0].UID != 1001 {
		t.Errorf("uid: got %d, want the effective one, 1001", r.Processes[0].UID)
	}
	if r.Processes[0].Writer || len(r.Writers) > 0 {
		t.Errorf("nothing is open for writing, got writers %q", r.Writers)
	}
	p.link("7/exe", root+"/bin/java")
	if got, want := lines(p.must(root, Options{}).Processes), "java) S 1 (x (pid 7) executes bin/java\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestNamesInMaps(t *testing.T) {
	rows := []struct {
		name    string
		files   []string // what lies in the installation
		written string   // what stands in maps after the root
		want    string   // as printed, "" for nothing
	}{
		{"plain", []string{"a b"}, "/a b", "a b"},
		{"line feed", []string{"a\nb"}, `/a\012b`, `a\x0ab`},
		{"line feed, file gone", nil, `/a\012b (deleted)`, `a\x0ab (since removed)`},
		{"backslash, not a line feed", []string{`a\012b`}, `/a\012b`, `a\\012b`},
		{"removed", nil, "/x.jar (deleted)", "x.jar (since removed)"},
		{"a name that ends so", []string{"x (deleted)"}, "/x (deleted)", "x (deleted)"},
		{"beside the installation", nil, "-old/x.jar", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := newFakeProc(t)
			root := install(t, row.files...)
			p.process(7, "p", "S", 1, 0)
			p.write("7/maps", "1000-2000 rw-s 00000000 fe:00 1    "+root+row.written+"\n")
			r := p.must(root, Options{})
			want := ""
			if row.want != "" {
				want = "p (pid 7) maps " + row.want + "\n"
			}
			if got := lines(r.Processes); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			if got := len(r.Writers); row.want != "" && got != 1 {
				t.Errorf("a shared writable mapping: got %d writers, want 1", got)
			}
		})
	}
}

func TestRootWithLineFeed(t *testing.T) {
	p := newFakeProc(t)
	root := install(t, "my\nproduct/lib/x.jar") + "/my\nproduct"
	p.process(7, "p", "S", 1, 0)
	p.write("7/maps", "1000-2000 r--p 00000000 fe:00 1    "+strings.ReplaceAll(root, "\n", `\012`)+"/lib/x.jar\n")
	if got, want := lines(p.must(root, Options{}).Processes), "p (pid 7) maps lib/x.jar\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	p := newFakeProc(t)
	root := install(t, "lib/x.jar", "logs/out", "dir/y")
	uses := func(pid int, path string) {
		p.link(fmt.Sprintf("%d/fd/3", pid), root+path)
		p.write(fmt.Sprintf("%d/fdinfo/3", pid), "flags:\t02100001\n")
	}
	p.process(5, "shell", "S", 1, 0)
	p.process(6, "self", "S", 5, 0)
	p.process(7, "kworker", "S", 2, flagKernelThread)
	p.process(8, "zombie", "Z", 1, 0)
	p.process(9, "logger", "S", 1, 0)
	p.process(10, "ls", "S", 1, 0)
	p.process(11, "product", "S", 1, 0)
	for _, pid := range []int{5, 6, 7, 8, 11} {
		uses(pid, "/lib/x.jar")
	}
	uses(9, "/logs/out")
	uses(10, "/dir")
	opt := Options{SelfPID: 6, Skip: func(rel string) bool { return strings.HasPrefix(rel, "logs/") }}
	r := p.must(root, opt)
	if got, want := lines(r.Processes), "product (pid 11) has open lib/x.jar\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if got := strings.Join(r.Writers, " "); got != "lib/x.jar" || !r.Processes[0].Writer {
		t.Errorf("writers: got %q, want lib/x.jar", got)
	}
	opt.AncestorPIDs = []int{11}
	if got, want := lines(p.must(root, opt).Processes), "shell (pid 5) has open lib/x.jar\n"; got != want {
		t.Fatalf("with other ancestors: got %q, want %q", got, want)
	}
}

func TestWhatCannotBeSeen(t *testing.T) {
	p := newFakeProc(t)
	root := install(t, "lib/x.jar")
	if got := p.must(root, Options{}); got.Blind() != "" || got.Unseen != 0 {
		t.Fatalf("everything can be seen, got %q", got.Blind())
	}
	p.process(7, "secret", "S", 1, 0)
	if err := os.Remove(filepath.Join(p.dir, "7/maps")); err != nil {
		t.Fatal(err)
	}
	p.mkdir("7/maps") // reading it gives an error that is not "gone"
	p.link("7/fd/3", root+"/lib/x.jar")
	r := p.must(root, Options{})
	if r.Unseen != 1 || !strings.HasPrefix(r.Blind(), "1 process could not") {
		t.Errorf("got %d unseen, %q", r.Unseen, r.Blind())
	}
	if got, want := lines(r.Processes), "secret (pid 7) has open lib/x.jar\n"; got != want {
		t.Errorf("what was seen still counts: got %q, want %q", got, want)
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "1")); err != nil {
		t.Fatal(err)
	}
	if r := p.must(root, Options{}); !r.Hidden || !strings.Contains(r.Blind(), "hidden") {
		t.Errorf("no process 1: got hidden %v, %q", r.Hidden, r.Blind())
	}
}

func TestNoProcessList(t *testing.T) {
	r, err := find(filepath.Join(t.TempDir(), "none"), t.TempDir(), Options{})
	if err != nil || r.Unsupported == "" || r.Blind() != r.Unsupported {
		t.Fatalf("got %+v, %v; want words in Unsupported", r, err)
	}
}

func TestNoInstallation(t *testing.T) {
	p := newFakeProc(t)
	if _, err := find(p.dir, filepath.Join(t.TempDir(), "none"), Options{}); err == nil {
		t.Fatal("want an error for an installation that is not there")
	}
}

func TestStringIsSafeForTerminals(t *testing.T) {
	p := Process{PID: 1, Name: "a\x1b[2J", Why: HasOpen, Path: "x\ny"}
	if s := p.String(); strings.ContainsAny(s, "\x1b\n") {
		t.Fatalf("control bytes in %q", s)
	}
}
