package merge

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// patchCases are files on both sides; nil is not there.
func patchCases() map[string][2]*PatchSide {
	file := func(mode uint32, text string) *PatchSide { return &PatchSide{Mode: mode, Data: []byte(text)} }
	link := func(target string) *PatchSide { return &PatchSide{Link: true, Data: []byte(target)} }
	long := strings.Repeat("line\n", 200)
	return map[string][2]*PatchSide{
		"edited":                {file(0o644, "a\nb\nc\n"), file(0o644, "a\nB\nc\n")},
		"dir/no-newline":        {file(0o644, "a\nb"), file(0o644, "a\nc")},
		"gains-newline":         {file(0o644, "a\nb"), file(0o644, "a\nb\n")},
		"loses-newline":         {file(0o644, "a\nb\n"), file(0o644, "a\nb")},
		"crlf":                  {file(0o644, "a\r\nb\r\nc\r\n"), file(0o644, "a\r\nX\r\nc\r\n")},
		"mixed-ends":            {file(0o644, "a\r\nb\nc\r\n"), file(0o644, "a\nb\r\nc\r\n")},
		"latin1":                {file(0o644, "\xe4\n\xf6\n"), file(0o644, "\xe4\n\xfc\n")},
		"far-apart":             {file(0o644, "1\n"+long+"2\n"+long+"3\n"), file(0o644, "x\n"+long+"2\n"+long+"y\n")},
		"new/added":             {nil, file(0o644, "new\n")},
		"new/added.sh":          {nil, file(0o755, "#!/bin/sh\n")},
		"new/empty":             {nil, file(0o644, "")},
		"new/no-newline":        {nil, file(0o644, "x")},
		"gone/deleted":          {file(0o644, "gone\n"), nil},
		"gone/no-newline":       {file(0o755, "gone"), nil},
		"gone/empty":            {file(0o644, ""), nil},
		"mode-only":             {file(0o644, "x\n"), file(0o755, "x\n")},
		"mode and text":         {file(0o755, "x\n"), file(0o644, "y\n")},
		"emptied":               {file(0o644, "x\n"), file(0o644, "")},
		"filled":                {file(0o644, ""), file(0o644, "x\n")},
		"with blank/a b.conf":   {file(0o644, "a\n"), file(0o644, "b\n")},
		"with blank/new file":   {nil, file(0o644, "n\n")},
		"with blank/empty one":  {nil, file(0o644, "")},
		"with blank/mode":       {file(0o644, "x\n"), file(0o755, "x\n")},
		"with blank/end ":       {nil, file(0o644, "n\n")},
		"with blank/ends  ":     {file(0o644, "a\n"), file(0o644, "b\n")},
		"with blank/end empty ": {nil, file(0o644, "")},
		"with blank/ß ":         {nil, file(0o644, "n\n")},
		"with blank/link ":      {nil, link("x ")},
		"with blank/turned ":    {link("x"), link("y ")},
		"with blank/gone ":      {file(0o644, "g\n"), nil},
		"with blank/ begin":     {nil, file(0o644, "n\n")},
		"with blank/in /it":     {nil, file(0o644, "n\n")},
		" blank first/new ":     {nil, file(0o644, "n\n")},
		" blank/link":           {nil, link(" x")},
		"umlaut/grüße.conf":     {file(0o644, "a\n"), file(0o644, "b\n")},
		"umlaut/größe neu":      {nil, file(0o644, "n\n")},
		`odd/quote".conf`:       {file(0o644, "a\n"), file(0o644, "b\n")},
		`odd/back\slash`:        {file(0o644, "a\n"), file(0o644, "b\n")},
		"odd/tab\there":         {file(0o644, "a\n"), file(0o644, "b\n")},
		"odd/latin-\xe4":        {file(0o644, "a\n"), file(0o644, "b\n")},
		"odd/latin-new-\xe4":    {nil, file(0o644, "n\n")},
		"odd/bidi\u202egpj.exe": {nil, file(0o644, "n\n")},
		"odd/c1\u009b":          {file(0o644, "a\n"), file(0o644, "b\n")},
		"odd/-- dashes":         {file(0o644, "-- a\n++ b\n"), file(0o644, "-- b\n++ a\n")},
		"links/turned":          {link("here"), link("there")},
		"links/new":             {nil, link("../edited")},
		"links/gone":            {link("x"), nil},
		"links/becomes-file":    {link("x"), file(0o644, "x\n")},
		"links/file-becomes":    {file(0o644, "x\n"), link("y")},
		"untouched":             {file(0o644, "x\n"), file(0o644, "x\n")},
		"untouched-binary":      {file(0o644, "\x00"), file(0o644, "\x00")},
		"binary-with-mode-only": {file(0o644, "\x00"), file(0o755, "\x00")},
	}
}

func writeSides(t *testing.T, dir string, cases map[string][2]*PatchSide, side int) {
	t.Helper()
	for name, c := range cases {
		if c[side] == nil {
			continue
		}
		full := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if err == nil && c[side].Link {
			err = os.Symlink(string(c[side].Data), full)
		} else if err == nil {
			err = os.WriteFile(full, c[side].Data, os.FileMode(c[side].Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// state lists what lies in dir: mode and content of files, targets of links.
func state(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if info.Mode()&os.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			out[rel] = "-> " + target
			return err
		}
		data, err := os.ReadFile(path)
		out[rel] = fmt.Sprintf("%v %q", info.Mode(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What Patch renders is taken by git apply and by GNU patch, all cases in one patch, and
// leads to exactly the other side; git takes it in reverse too, which patch does not for
// links and empty files.
func TestPatchIsTaken(t *testing.T) {
	cases := patchCases()
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		p, ok := Patch(name, name, cases[name][0], cases[name][1])
		if !ok {
			t.Fatalf("%q: want a patch", name)
		}
		all = append(all, p...)
	}
	all = append([]byte("Some words before.\n  lib/x.jar: binary\n\n"), all...)
	for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn"}, {"patch", "-p1", "-s", "--no-backup-if-mismatch"}} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skip(tool[0] + " is not installed")
			}
			before, after := t.TempDir(), t.TempDir()
			writeSides(t, before, cases, 0)
			writeSides(t, after, cases, 1)
			was := state(t, before)
			for _, way := range []struct {
				more []string
				want map[string]string
			}{{nil, state(t, after)}, {[]string{"-R"}, was}} {
				if tool[0] == "patch" && way.more != nil {
					continue
				}
				cmd := exec.Command(tool[0], append(tool[1:], way.more...)...)
				cmd.Dir, cmd.Stdin = before, bytes.NewReader(all)
				cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(before), "LC_ALL=C")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
				}
				got := state(t, before)
				for name := range cases {
					if got[name] != way.want[name] {
						t.Errorf("%v: %q:\n got %s\nwant %s", cmd.Args, name, got[name], way.want[name])
					}
				}
				if len(got) != len(way.want) {
					t.Errorf("%v: got %d files, want %d", cmd.Args, len(got), len(way.want))
				}
			}
		})
	}
}

func TestPatchOfBinary(t *testing.T) {
	a, b := &PatchSide{Mode: 0o644, Data: []byte("\x00a")}, &PatchSide{Mode: 0o644, Data: []byte("\x00b")}
	for _, c := range [][2]*PatchSide{{a, b}, {nil, b}, {a, nil}} {
		if p, ok := Patch("x", "x", c[0], c[1]); ok || p != nil {
			t.Errorf("Patch(%v, %v): want none, got %q", c[0], c[1], p)
		}
	}
}

func TestPatchOfRename(t *testing.T) {
	a, b := &PatchSide{Mode: 0o644, Data: []byte("1\n2\n")}, &PatchSide{Mode: 0o644, Data: []byte("1\n3\n")}
	p, ok := Patch("old name", "new", a, b)
	want := "diff --git \"a/old name\" b/new\nrename from \"old name\"\nrename to new\n--- a/old name\t\n+++ b/new\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"
	if !ok || string(p) != want {
		t.Errorf("got %q, want %q", p, want)
	}
}

// TestPatchNames: the names in a patch are harmless to a terminal.
func TestPatchNames(t *testing.T) {
	for name, want := range map[string]string{
		"bidi\u202egpj.exe": `"a/bidi\342\200\256gpj.exe"`, "bad\xff.txt": `"a/bad\377.txt"`, "c1\u009b": `"a/c1\302\233"`, "grüße": "a/grüße",
	} {
		p, _ := Patch(name, name, &PatchSide{Mode: 0o644, Data: []byte("a\n")}, &PatchSide{Mode: 0o644, Data: []byte("b\n")})
		if got := string(p); !strings.HasPrefix(got, "diff --git "+want+" ") || !strings.Contains(got, "\n--- "+want+"\n") {
			t.Errorf("%q: want %s, got %q", name, want, got)
		}
	}
}
