package running

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// childMode makes this test binary play a process of the product: `MODE PATH`.
const childMode = "INPLACE_TEST_RUNNING_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		child(mode)
		return
	}
	os.Exit(m.Run())
}

// child uses a file as told, says "ready", and lives until its stdin closes.
func child(mode string) {
	verb, path, _ := strings.Cut(mode, " ")
	fail := func(err error) {
		if err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
	switch verb {
	case "read", "hold":
		f, err := os.Open(path)
		fail(err)
		defer f.Close()
	case "write":
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		fail(err)
		defer f.Close()
	case "map":
		f, err := os.Open(path)
		fail(err)
		_, err = syscall.Mmap(int(f.Fd()), 0, 4, syscall.PROT_READ, syscall.MAP_PRIVATE)
		fail(err)
		fail(f.Close())
	case "stand":
		fail(os.Chdir(path))
	}
	os.Stdout.WriteString("ready\n")
	io.Copy(io.Discard, os.Stdin)
}

// start runs a binary as a child and returns its pid when it is ready.
func start(t *testing.T, binary, mode string) int {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("child %q: got %q, %v", mode, line, err)
	}
	return cmd.Process.Pid
}

func TestRealProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := install(t, "lib/core.jar", "lib/new\nline.jar", "logs/out.log")
	binary := filepath.Join(root, "bin/product")
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, data, 0o755); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{
		start(t, self, "read "+root+"/lib/core.jar"):      "has open lib/core.jar",
		start(t, self, "map "+root+"/lib/core.jar"):       "maps lib/core.jar",
		start(t, self, "map "+root+"/lib/new\nline.jar"):  `maps lib/new\x0aline.jar`,
		start(t, self, "read "+root+"/lib/new\nline.jar"): `has open lib/new\x0aline.jar`,
		start(t, binary, "none"):                          "executes bin/product",
		start(t, self, "write "+root+"/logs/out.log"):     "has open logs/out.log",
		start(t, self, "stand "+root+"/lib"):              "",
		start(t, self, "hold "+root+"/lib"):               "",
	}
	// The installation is also reached by a link with another name.
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{root, link} {
		r, err := Find(home, Options{})
		if err != nil {
			t.Fatal(err)
		}
		found := map[int]Process{}
		for _, p := range r.Processes {
			found[p.PID] = p
		}
		for pid, text := range want {
			got := ""
			if p, ok := found[pid]; ok {
				got = p.Why + " " + strings.SplitN(p.String(), p.Why+" ", 2)[1]
			}
			if got != text {
				t.Errorf("%s: process %d: got %q, want %q", home, pid, got, text)
			}
		}
		if len(found) != 6 {
			t.Errorf("%s: got %d processes, want 6:\n%s", home, len(found), lines(r.Processes))
		}
		if got := strings.Join(r.Writers, " "); got != "logs/out.log" {
			t.Errorf("%s: writers: got %q, want logs/out.log", home, got)
		}
	}
}

func TestReplacedWhileMapped(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := install(t, "lib/core.jar", "lib/core.jar.new")
	pid := start(t, self, "map "+root+"/lib/core.jar")
	if err := os.Rename(root+"/lib/core.jar.new", root+"/lib/core.jar"); err != nil {
		t.Fatal(err)
	}
	r, err := Find(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Its old name is taken by a new file; the process still runs on the old one.
	if len(r.Processes) != 1 || r.Processes[0].PID != pid || !r.Processes[0].Deleted || r.Processes[0].Path != "lib/core.jar" {
		t.Fatalf("got %s, want process %d on the removed lib/core.jar", lines(r.Processes), pid)
	}
}

func TestSelfAndAncestors(t *testing.T) {
	root := install(t, "lib/core.jar")
	f, err := os.Open(root + "/lib/core.jar")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := start(t, self, "none")
	for _, pid := range []int{0, os.Getpid(), child} { // this process is itself, or the child's ancestor
		if r, err := Find(root, Options{SelfPID: pid}); err != nil || len(r.Processes) != 0 {
			t.Errorf("as %d: got %s, %v; want nobody", pid, lines(r.Processes), err)
		}
	}
	r, err := Find(root, Options{SelfPID: child, AncestorPIDs: []int{}})
	if err != nil || len(r.Processes) != 1 || r.Processes[0].PID != os.Getpid() {
		t.Errorf("without ancestors: got %s, %v; want this process", lines(r.Processes), err)
	}
}
