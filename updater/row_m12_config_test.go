//go:build unix

package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/manifest"
)

// TestM12Config merges configuration that is hard to merge: a conflict is named with the
// place of its three versions, the live file keeps its bytes, and no marker gets there.
func TestM12Config(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, one after the other: nothing for the race detector")
	}
	ctx := context.Background()
	const base, theirs = "a=1\nb=1\nc=1\n", "a=1\nb=2\nc=1\n"
	for _, c := range []struct {
		name, base, theirs string
		edit               func(path string) error
		want               string // the live file after the update; "": a conflict
	}{
		{"both changed one line", base, theirs, write("a=1\nb=9\nc=1\n"), ""},
		{"markers of an earlier merge by hand", base, theirs, write("<<<<<<< mine\na=1\n=======\nb=7\n>>>>>>> x\nc=1\n"), ""},
		{"binary", "\x00\x01base", "\x00\x01theirs", write("\x00\x01ours"), ""},
		{"deleted here", base, theirs, os.Remove, ""},
		{"a link here", base, theirs, func(p string) error { return errors.Join(os.Remove(p), os.Symlink("other.conf", p)) }, ""},
		{"a directory here", base, theirs, func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) }, ""},
		{"CRLF here", "a=1\n\n\n\nb=1\n", "a=1\n\n\n\nb=2\n", write("a=9\r\n\r\n\r\n\r\nb=1\r\n"), "a=9\r\n\r\n\r\n\r\nb=2\r\n"},
		{"no line feed at the end here", "a=1\n\n\n\nb=1\n", "a=2\n\n\n\nb=1\n", write("a=1\n\n\n\nb=9"), "a=2\n\n\n\nb=9"},
		{"UTF-16", "\xff\xfea\x00=\x001\x00\n\x00", "\xff\xfea\x00=\x002\x00\n\x00", write("\xff\xfea\x00=\x003\x00\n\x00"), ""},
	} {
		be := newBench(t, sampleProduct, tree{"conf/x.conf": c.base, "bin/a.sh": "0755 a\n"}, tree{"conf/x.conf": c.theirs, "bin/a.sh": "0755 b\n"})
		be.adopt(t)
		path := filepath.Join(be.home, "conf/x.conf")
		must(t, c.edit(path))
		before := look(t, be.home, true)
		out, err := be.open(t).Update(ctx)
		if c.want != "" {
			got, _ := os.ReadFile(path)
			if err != nil || string(got) != c.want {
				t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
			}
			continue
		}
		var conflict *ConflictError
		if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || conflict.Conflicts[0].Path != manifest.Path("conf/x.conf") {
			t.Errorf("%s: want one conflict, got %v", c.name, err)
			continue
		}
		same(t, c.name, before, look(t, be.home, true))
		if out.Plan.Conflicts[0].Where == (ConflictPaths{}) {
			t.Errorf("%s: nobody is told where the versions lie", c.name)
		}
		for _, side := range []string{"ours", "theirs"} {
			_, err := be.open(t, func(o *Options) { o.OnConflict = side }).Update(ctx)
			if c.name == "a directory here" && side == "theirs" && errors.As(err, &conflict) {
				continue // what lies in it is nobody's to drop
			}
			if err != nil {
				t.Errorf("%s, decided for %s: %v", c.name, side, err)
			}
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "<<<<<<<") && !strings.Contains(c.name, "markers") {
				t.Errorf("%s, decided for %s: a marker is live: %q", c.name, side, text)
			}
			if _, err := be.open(t).Revert(ctx); err != nil {
				t.Errorf("%s, back from %s: %v", c.name, side, err)
			}
			same(t, c.name+", back from "+side, before, look(t, be.home, true))
		}
	}
}

func write(text string) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o644) }
}
