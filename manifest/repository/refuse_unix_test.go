//go:build unix

package repository

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Everything that cannot be installed everywhere is named, all at once, and nothing
// is written.
func TestRefusals(t *testing.T) {
	v := newVendor(t)
	tree := v.tree(map[string]string{
		"fine":                          "",
		"updates/trust/root.json":       "may be shipped",
		"updates/settings.yaml":         "",
		"updates/backups/1/a":           "",
		"Readme":                        "",
		"README":                        "",
		"Lib/a":                         "",
		"lib/a":                         "",
		"caf\u00e9":                     "",
		"cafe\u0301":                    "",
		"NUL":                           "",
		"x/aux.txt":                     "",
		"x/trail.":                      "",
		"x/a:b":                         "",
		"x/back\\slash":                 "",
		"x/new\nline":                   "",
		"x/bad\xff":                     "",
		"x/bidi\u202e":                  "",
		"links/absolute":                "->/etc/passwd",
		"links/escaping":                "->../../x",
		"links/backslash":               "->..\\..\\x",
		"links/drive":                   "->C:\\x",
		"links/listed":                  "->/opt/shared",
		"links/roundabout":              "->sub/../../fine",
		"bin":                           "must be a directory",
		"links/inside":                  "->../fine",
		"links/dangling":                "->nowhere",
		"links/up/to/the/top":           "->../../../../fine",
		"bits/uid":                      "",
		"bits/gid/":                     "",
		"bits/sticky/":                  "",
		"updates/product.yaml":          productYAML + "links: [links/listed, links/of/another/release]\n",
		"updates/stage/of/another/tree": "",
	})
	must(t, os.Chmod(filepath.Join(tree, "bits/uid"), 0o755|os.ModeSetuid))
	must(t, os.Chmod(filepath.Join(tree, "bits/gid"), 0o755|os.ModeSetgid))
	must(t, os.Chmod(filepath.Join(tree, "bits/sticky"), 0o755|os.ModeSticky))
	must(t, syscall.Mkfifo(filepath.Join(tree, "fifo"), 0o644))
	socket, err := net.Listen("unix", filepath.Join(tree, "sock"))
	must(t, err)
	defer socket.Close()

	opt := v.options(0, tree)
	opt.Notes = []byte("schema: inplace/notes/1\nrenames: [{from: old, to: gone}]\n")
	before := describe(t, v.dir)
	delete(before, fileLock)
	_, err = Add(context.Background(), opt)
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("want a refusal, got %v", err)
	}
	want := map[string]string{
		"updates/settings.yaml": "reserved", "updates/backups": "reserved", "updates/stage": "reserved",
		"Readme": "letter case", "lib": "letter case", "caf\u00e9": "letter case",
		"NUL": "device of Windows", "x/aux.txt": "device of Windows", "x/trail.": "dot or a space",
		"x/a:b": "every system", "x/back\\slash": "every system", "x/new\nline": "control byte",
		"x/bad\xff": "UTF-8", "x/bidi\u202e": "invisible",
		"links/absolute": "absolute", "links/drive": "outside", "links/escaping": "outside", "links/backslash": "outside",
		"links/roundabout": "outside", "bin": "want a directory",
		"bits/uid": "setuid", "bits/gid": "setgid", "bits/sticky": "sticky",
		"fifo": "fifo", "sock": "socket", "gone": "not in the tree",
	}
	for i, f := range refused.Faults {
		text, ok := want[string(f.Path)]
		if !ok || !strings.Contains(f.Reason, text) {
			t.Errorf("%s: want %q", f, text)
		}
		delete(want, string(f.Path))
		if s := f.String(); strings.ContainsAny(s, "\n\x1b\u202e") || strings.Contains(s, "\xff") {
			t.Errorf("%q would reach a terminal", f)
		}
		if i > 0 && refused.Faults[i-1].Path > f.Path {
			t.Errorf("%s: not sorted", f)
		}
	}
	for path, text := range want {
		t.Errorf("%q: want it refused for %q", path, text)
	}
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "more paths") {
		t.Errorf("message %q", text)
	}
	after := describe(t, v.dir)
	delete(after, fileLock)
	sameMap(t, after, before)
}

func TestDevicesAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make a device")
	}
	v := newVendor(t)
	tree := v.tree(map[string]string{"f": ""})
	if err := syscall.Mknod(filepath.Join(tree, "null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Skipf("devices cannot be made here: %v", err)
	}
	var refused *RefusedError
	if _, err := Add(context.Background(), v.options(0, tree)); !errors.As(err, &refused) || refused.Faults[0].Path != "null" {
		t.Errorf("a device: %v", err)
	}
}

// A link in the tree is never followed, not even where its target would be refused.
func TestLinksAreNotFollowed(t *testing.T) {
	v := newVendor(t)
	outside := v.tree(map[string]string{"secret": "secret\n"})
	tree := v.tree(map[string]string{"f": "", "updates/product.yaml": productYAML + "links: [out, not/here]\n", "out": "->" + outside})
	v.add(0, tree)
	got, err := readRelease(mustReader(t, v.dir, nil, noon), "full", 0)
	must(t, err)
	sameMap(t, got, describe(t, tree))
	if _, ok := got["out/secret"]; ok {
		t.Error("the link was followed")
	}
}

// A mirror whose links lead out of it gives nothing of what lies there.
func TestTransportStaysInside(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "x\n"}))
	outside := filepath.Join(v.work, "outside.json")
	must(t, os.Rename(filepath.Join(v.dir, fileTimestamp), outside))
	timestamp := filepath.Join(v.dir, fileTimestamp)
	must(t, os.Symlink(outside, timestamp))
	if _, err := reader(t, v.dir, nil, noon); err == nil || !strings.HasPrefix(err.Error(), fileTimestamp+": ") {
		t.Errorf("a link leading out: %v", err)
	}
	must(t, os.Remove(timestamp))
	must(t, syscall.Mkfifo(timestamp, 0o644))
	if _, err := reader(t, v.dir, nil, noon); err == nil || !strings.Contains(err.Error(), "want a file") {
		t.Errorf("a fifo: %v", err)
	}
	must(t, os.Remove(timestamp))
	must(t, os.Rename(outside, filepath.Join(v.dir, dirMetadata, "real.json")))
	must(t, os.Symlink("real.json", timestamp))
	mustReader(t, v.dir, nil, noon) // a link inside is the mirror's own business
}

func TestWriteErrors(t *testing.T) {
	slow(t)
	v := newVendor(t)
	tree := v.tree(map[string]string{"f": "x\n"})
	var calls int
	opt := v.options(0, tree)
	opt.fault = func(string, string) error { calls++; return nil }
	_, err := Add(context.Background(), opt)
	must(t, err)
	if calls < 20 {
		t.Fatalf("only %d changes seen", calls)
	}
	marked, before := 0, 0
	for n := 1; n < calls; n++ { // the last one is the clean-up of .tmp/
		v := newVendor(t)
		tree := v.tree(map[string]string{"f": "x\n"})
		opt := v.options(0, tree)
		i, failed := 0, false
		opt.fault = func(op, path string) error {
			if i++; i == n {
				failed = true
				return syscall.ENOSPC
			}
			return nil
		}
		if _, err := Add(context.Background(), opt); !errors.Is(err, syscall.ENOSPC) || !failed {
			t.Errorf("change %d failed, but Add said: %v", n, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("change %d: more than a line: %v", n, err)
		}
		opt.fault = nil
		synced := map[string]bool{}
		if _, err := os.Lstat(filepath.Join(v.dir, dirTemp)); err == nil {
			marked++
			opt.fault = func(op, path string) error {
				if op == "mkdir" && path == dirTemp {
					before = len(synced)
				}
				synced[op+" "+path] = true
				return nil
			}
		}
		before = 0
		out, err := Add(context.Background(), opt)
		if opt.fault != nil && before < 4 {
			t.Errorf("after change %d failed: only %d directories synced first: %v", n, before, synced)
		}
		if err != nil {
			t.Errorf("after change %d failed: %v", n, err)
			continue
		}
		got, err := readRelease(mustReader(t, v.dir, nil, noon), "full", 0)
		if err != nil || len(got) != 1 || out.Entries != 1 {
			t.Errorf("after change %d failed: %v %v", n, got, err)
		}
	}
	if marked < 10 {
		t.Errorf("only %d failed runs have left their mark", marked)
	}
}
