package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writing are the calls that change something, as strace names them.
const writing = "open,openat,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat," +
	"chmod,fchmod,fchmodat,chown,lchown,fchown,fchownat,utime,utimes,utimensat,futimesat,truncate,ftruncate,fallocate," +
	"setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,fsync,fdatasync,syncfs,sync"

var (
	opens    = regexp.MustCompile(`\bopen(at)?\(`)
	forWrite = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND`)
	// noCall is the end of a call that began on a line of its own and is judged there, and a
	// thread that was gone before it called anything.
	noCall = regexp.MustCompile(`^\d+ +(<\.\.\. \w+ resumed>|\?\?\?\( <detached \.\.\.>)`)
)

// TestC14DryRun traces what only looks: not one call that changes anything, but for the
// user's cache and the terminal's own devices; and what it says is what the run then does.
func TestC14DryRun(t *testing.T) {
	has(t, "strace")
	p := adopted(t)
	_, _, pristine := p.bothSides(t)
	trace := filepath.Join(p.dir, "trace")
	traced := func(args ...string) (changes []string) {
		cmd := exec.Command("strace", append([]string{"-f", "-qq", "-y", "-o", trace, "-e", "trace=" + writing, p.home + "/bin/update.sh"}, args...)...)
		cmd.Env, cmd.Dir = p.env, p.dir
		o := finish(t, cmd)
		if strings.Contains(o.stderr, "ptrace") {
			t.Skip("strace may not trace here: " + o.stderr)
		}
		o.wants(t, strings.Join(args, " "), 0)
		data, err := os.ReadFile(trace)
		ok(t, err)
		for line := range strings.Lines(string(data)) {
			if opens.MatchString(line) && !forWrite.MatchString(line) || noCall.MatchString(line) || !strings.Contains(line, "(") {
				continue
			}
			if strings.Contains(line, p.dir+"/cache") || strings.Contains(line, `"/dev/`) || strings.Contains(line, "+++") {
				continue
			}
			changes = append(changes, strings.TrimSpace(line))
		}
		return changes
	}
	for _, args := range [][]string{{"--dry-run"}, {"--dry-run", "--json"}, {"history"}} {
		if got := traced(args...); len(got) > 0 {
			t.Errorf("%q made %d calls that change something: %s", args, len(got), strings.Join(got, "\n"))
		}
	}
	if got := traced(); len(got) < 20 { // the trace sees such calls
		t.Errorf("an update made only %d calls that change something", len(got))
	}
	if got := traced("--dry-run", "--revert"); len(got) > 0 {
		t.Errorf("a dry revert made %d calls that change something: %s", len(got), strings.Join(got, "\n"))
	}
	restore(t, pristine, p.home)
}

// TestC15AppendAfterUpdate appends to an installed file in place, as a product or a patch
// may: the snapshot's bytes stay what they were, and the way back keeps the change.
func TestC15AppendAfterUpdate(t *testing.T) {
	p := adopted(t)
	ok(t, os.Link(filepath.Join(p.home, "lib/replaced.jar"), filepath.Join(p.home, "lib/second-name.jar")))
	old, _, _ := p.bothSides(t)
	finish(t, p.update()).wants(t, "update", 0)
	for _, name := range []string{"lib/replaced.jar", "lib/second-name.jar", "bin/start.sh", "conf/server.properties"} {
		f, err := os.OpenFile(filepath.Join(p.home, name), os.O_APPEND|os.O_WRONLY, 0)
		ok(t, err)
		_, err = f.WriteString("appended in place\n")
		ok(t, err)
		ok(t, f.Close())
	}
	old["lib/second-name.jar"] = strings.Replace(old["lib/second-name.jar"], `old"`, `oldappended in place\n"`, 1) // no path of the product
	finish(t, p.update("--revert")).wants(t, "revert", 0)
	alike(t, "reverted", old, product(t, p.home))
	finish(t, p.update("--dry-run", "--revert")) // there may be nothing left to take back; it must end in order
	kept := 0
	ok(t, filepath.WalkDir(filepath.Join(p.home, "updates/backups"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.HasSuffix(string(data), "appended in place\n") {
			kept++
		}
		return err
	}))
	if kept < 3 {
		t.Errorf("want the three appended files in the new snapshot, got %d", kept)
	}
}
