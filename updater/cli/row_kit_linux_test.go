package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// The row tests (row_*_test.go) show rows of the fault tables in docs/reliability.md with
// the real binary, as a process of its own: signals, limits, mounts, other users. Each test
// is named after its row.

// realBinary is the program, built once.
var realBinary = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "inplace-rows")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "inplace")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	return os.ReadFile(bin)
})

// files is a tree as a test writes it: path -> content; a path that ends in / is a
// directory, a content that begins with "-> " a link; *.sh is executable.
type files map[string]string

func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for p, content := range f {
		full := filepath.Join(dir, p)
		if strings.HasSuffix(p, "/") {
			ok(t, os.MkdirAll(full, 0o755))
			continue
		}
		ok(t, os.MkdirAll(filepath.Dir(full), 0o755))
		if target, is := strings.CutPrefix(content, "-> "); is {
			ok(t, os.Symlink(target, full))
			continue
		}
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(p, ".sh") {
			mode = 0o755
		}
		ok(t, os.WriteFile(full, []byte(content), mode))
		ok(t, os.Chmod(full, mode))
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const rowProduct = `schema: inplace/product/1
name: rows
version: "1"
config: ["conf/**"]
data: ["data/**"]
ignore: ["logs/**"]
derived: [{when: "webapps/*.war", clear: "webapps/{1}/**"}]
`

// rowOld and rowNew change a path in every way an update can.
func rowOld() files {
	return files{
		"bin/start.sh": "#!/bin/sh\necho one\n", "conf/server.properties": "port=8080\n\n\nhost=a\n", "lib/core-1.jar": "\x00one", "lib/kept.jar": "\x00kept",
		"lib/replaced.jar": "\x00old", "lib/gone.jar": "\x00gone", "share/kind": "a file\n", "webapps/app.war": "\x00war1", "data/seed": "seed\n", "logs/": "",
	}
}

func rowNew() files {
	return files{
		"bin/start.sh": "#!/bin/sh\necho two\n", "conf/server.properties": "port=8080\n\n\nhost=b\n", "lib/core-2.jar": "\x00two", "lib/kept.jar": "\x00kept",
		"lib/replaced.jar": "\x00new", "lib/more/added.jar": "\x00added", "share/kind/inner": "a directory\n", "webapps/app.war": "\x00war2", "data/seed": "seed\n", "logs/": "",
	}
}

// plant is a vendor's repository with two levels and an installation of the first, edited
// and adopted.
type plant struct {
	dir, bin, repo, keys, home string
	env                        []string
}

func newPlant(t *testing.T, old, fresh files) *plant {
	t.Helper()
	program, err := realBinary()
	ok(t, err)
	p := &plant{dir: scratch(t)}
	p.bin = filepath.Join(p.dir, "inplace")
	cp := exec.Command("cp", "/dev/stdin", p.bin) // a file that this process has open for writing could not be run while it forks elsewhere
	cp.Stdin = bytes.NewReader(program)
	ok(t, cp.Run())
	ok(t, os.Chmod(p.bin, 0o755))
	for _, d := range []string{p.dir, filepath.Dir(p.dir)} { // other users have to get there
		ok(t, os.Chmod(d, 0o755))
	}
	p.repo, p.keys, p.home = filepath.Join(p.dir, "repo"), filepath.Join(p.dir, "keys"), filepath.Join(p.dir, "home")
	p.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "INPLACE_PASSPHRASE=", "INPLACE_CACHE_DIR=" + filepath.Join(p.dir, "cache")}
	product := filepath.Join(p.dir, "product.yaml")
	ok(t, os.WriteFile(product, []byte(rowProduct), 0o644))
	p.must(t, "release", "init", p.repo, "--keys", p.keys, "--product", product)
	for i, tree := range []files{old, fresh} {
		dir := filepath.Join(p.dir, fmt.Sprint("tree-", i))
		tree.write(t, dir)
		p.must(t, "release", "add", p.repo, dir, "--level", fmt.Sprint(i), "--channel", "full", "--keys", p.keys)
	}
	old.write(t, p.home)
	ok(t, os.Chmod(p.home, 0o755))
	return p
}

// scratch is a directory for a test, in memory where programs may run there: a disk that
// others use makes each of the many syncs slow.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "inplace-rows")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	try := filepath.Join(dir, "try.sh")
	ok(t, os.WriteFile(try, []byte("#!/bin/sh\n"), 0o755))
	if exec.Command(try).Run() != nil {
		return t.TempDir()
	}
	work := filepath.Join(dir, "work")
	ok(t, os.Remove(try))
	ok(t, os.Mkdir(work, 0o755))
	return work
}

// adopted is a plant with the usual trees, an edited configuration and an exploded archive.
func adopted(t *testing.T) *plant {
	t.Helper()
	p := newPlant(t, rowOld(), rowNew())
	files{"conf/server.properties": "port=9090\n\n\nhost=a\n", "webapps/app/index.html": "made\n", "lib/mine.jar": "mine\n"}.write(t, p.home)
	p.must(t, "adopt", p.home, "--source", p.repo)
	return p
}

// ending is how a process ended.
type ending struct {
	code           int
	stdout, stderr string
}

func (o ending) String() string {
	return fmt.Sprintf("exit %d\nstdout: %s\nstderr: %s", o.code, o.stdout, o.stderr)
}

// command is the program with args; update is that of the installation.
func (p *plant) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.bin, args...)
	cmd.Env, cmd.Dir = p.env, p.dir
	return cmd
}

func (p *plant) update(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.home, "bin/update.sh"), args...)
	cmd.Env, cmd.Dir = p.env, p.dir
	return cmd
}

func (p *plant) must(t *testing.T, args ...string) ending {
	t.Helper()
	o := finish(t, p.command(args...))
	if o.code != 0 {
		t.Fatalf("%q: %v", args, o)
	}
	return o
}

// finish runs cmd to its end and checks what holds for every end: no stack trace.
func finish(t *testing.T, cmd *exec.Cmd) ending {
	t.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &errs
	}
	ok(t, cmd.Start())
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	return ended(t, err, out.String(), errs.String())
}

func ended(t *testing.T, err error, stdout, stderr string) ending {
	t.Helper()
	o := ending{stdout: stdout, stderr: stderr}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		o.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if o.code < 0 || strings.Contains(o.stderr, "goroutine ") {
		t.Fatalf("want an orderly end, got %v: %v", err, o)
	}
	return o
}

// product describes the product's paths: kind, mode, owner, content or target. What the
// updater keeps for itself is left out.
func product(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	ok(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if rel == "updates" {
			return filepath.SkipDir
		}
		info, err2 := d.Info()
		if err = errors.Join(err, err2); err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprintf("%v %d:%d", info.Mode(), st.Uid, st.Gid)
		switch {
		case info.Mode().IsRegular() && info.Size() < 1<<24:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" %q", data)
		case info.Mode().IsRegular():
			text += fmt.Sprintf(" %d bytes", info.Size())
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " -> " + target
		}
		out[rel] = text
		return nil
	}))
	return out
}

// alike compares two descriptions and reports whether they are the same.
func alike(t *testing.T, what string, want, got map[string]string) bool {
	t.Helper()
	if maps.Equal(want, got) {
		return true
	}
	names := map[string]bool{}
	for p := range want {
		names[p] = true
	}
	for p := range got {
		names[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(names)) {
		if want[p] != got[p] {
			t.Errorf("%s: %q:\n got %s\nwant %s", what, p, got[p], want[p])
		}
	}
	return false
}

// raw reports whether a text has bytes that a terminal would obey or could not show.
func (o ending) raw() bool {
	text := o.stdout + o.stderr
	return !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\u202e\t\r")
}

// restore brings the directory to to the state of from, with all metadata.
func restore(t *testing.T, from, to string) {
	t.Helper()
	ok(t, os.RemoveAll(to))
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// bothSides updates a copy of the installation and describes it before and after.
func (p *plant) bothSides(t *testing.T) (old, fresh map[string]string, pristine string) {
	t.Helper()
	pristine = filepath.Join(p.dir, "pristine")
	restore(t, p.home, pristine)
	old = product(t, p.home)
	if o := finish(t, p.update()); o.code != 0 {
		t.Fatal(o)
	}
	fresh = product(t, p.home)
	if maps.Equal(old, fresh) {
		t.Fatal("the update changed nothing")
	}
	restore(t, pristine, p.home)
	return old, fresh, pristine
}

// asRoot skips a test that only root can make, saying what for.
func asRoot(t *testing.T, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: " + why)
	}
}

// has skips a test without a program that it works with.
func has(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("needs the program " + program)
	}
}

// wants checks the exit code and what is said, on stdout or stderr.
func (o ending) wants(t *testing.T, what string, code int, says ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("%s: want exit %d, got %v", what, code, o)
	}
	for _, s := range says {
		if said := o.stdout + o.stderr; !strings.Contains(said, s) && !strings.Contains(strings.Join(strings.Fields(said), " "), s) { // lines are wrapped
			t.Errorf("%s: want it to say %q, got %v", what, s, o)
		}
	}
}
