package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestC17Odd updates and reverts an installation in which the product has made what no
// release may ship: names that are no text, a path as long as the system takes, a sparse
// file of 2 GiB, empty files and directories. All of it moves with its directory.
func TestC17Odd(t *testing.T) {
	p := newPlant(t, rowOld(), rowNew())
	made := filepath.Join(p.home, "webapps/app")
	odd := []string{"bytes \xff\xfe", "new\nline", " lead", "trail ", "-rf", "tab\t", "\x1b[31mred", "bidi \u202e", strings.Repeat("n", 255)}
	for _, name := range odd {
		files{name: "odd\n", "conf-like/" + name: ""}.write(t, made)
		files{name: "a=1\n"}.write(t, filepath.Join(p.home, "conf"))
	}
	files{"empty": "", "empty dir/": ""}.write(t, made)
	sparse, err := os.Create(filepath.Join(made, "sparse"))
	ok(t, err)
	ok(t, sparse.Truncate(2<<30))
	ok(t, sparse.Close())
	deep := longPath(t, made)
	p.must(t, "adopt", p.home, "--source", p.repo)

	before := product(t, p.home)
	finish(t, p.update("--dry-run")).wants(t, "dry run", 0)
	o := finish(t, p.update("-v"))
	o.wants(t, "update", 0)
	if o.raw() {
		t.Errorf("odd names are printed raw: %q", o.stdout+o.stderr)
	}
	if _, err := os.Lstat(made); err == nil {
		t.Error("the exploded archive was not cleared")
	}
	finish(t, p.update("--revert")).wants(t, "revert", 0)
	alike(t, "reverted", before, product(t, p.home))
	var st syscall.Stat_t
	ok(t, syscall.Stat(filepath.Join(made, "sparse"), &st))
	if st.Size != 2<<30 || st.Blocks > 64 {
		t.Errorf("the sparse file: want 2 GiB without blocks, got %d bytes in %d blocks", st.Size, st.Blocks)
	}
	if deep < 3500 {
		t.Errorf("the long path has only %d bytes", deep)
	}
}

// longPath makes directories in dir, one in the other, until the system takes no longer
// path, and returns how long the path became.
func longPath(t *testing.T, dir string) int {
	t.Helper()
	name := strings.Repeat("d", 200)
	for len(dir)+201 < 4096-64 {
		dir += "/" + name
		ok(t, os.Mkdir(dir, 0o755))
	}
	ok(t, os.WriteFile(dir+"/end", []byte("end\n"), 0o644))
	return len(dir)
}

// TestC17Refused: the vendor's side refuses what cannot be installed everywhere, by name
// and without printing it raw.
func TestC17Refused(t *testing.T) {
	p := newPlant(t, rowOld(), rowNew())
	for _, name := range []string{"bytes \xff", "new\nline", "tab\t", "NUL", "aux.txt", "trail ", "bidi \u202e"} {
		dir := t.TempDir()
		files{name: "x\n", "fine": "x\n"}.write(t, dir)
		o := finish(t, p.command("release", "add", p.repo, dir, "--level", "2", "--channel", "full", "--keys", p.keys))
		if o.code == 0 || o.raw() || !strings.Contains(o.stdout+o.stderr, "nothing was published") {
			t.Errorf("%q: want it refused in plain text, got %v", name, o)
		}
	}
}

// TestC17Many updates and reverts many small files.
func TestC17Many(t *testing.T) {
	old, fresh := files{}, files{}
	for i := range 4000 {
		name := fmt.Sprintf("lib/d%d/f%d", i%50, i)
		old[name] = fmt.Sprintf("file %d\n", i)
		fresh[name] = old[name]
		if i%4 == 0 {
			fresh[name] = "changed " + old[name]
		}
	}
	p := newPlant(t, old, fresh)
	p.must(t, "adopt", p.home, "--source", p.repo)
	before := product(t, p.home)
	// A shell looks at the most that the update has held, until that ends: what a wait reports counts
	// the memory of this test too, which forked it.
	o := finish(t, p.shell(`"$1" & while now=$(grep VmHWM: /proc/$!/status); do peak=$now; done; wait $! || exit; echo "$peak"`))
	o.wants(t, "update", 0)
	var kib int64
	if _, after, found := strings.Cut(o.stdout, "VmHWM:"); found {
		_, err := fmt.Sscan(after, &kib)
		ok(t, err)
	}
	if (kib == 0 || kib > 128<<10) && !raceDetector { // which multiplies it
		t.Errorf("the update took %d KiB of memory, want at most 128 MiB", kib)
	}
	finish(t, p.update("--revert")).wants(t, "revert", 0)
	alike(t, "reverted", before, product(t, p.home))
}
