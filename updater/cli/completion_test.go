package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// answers asks as a completion script does and returns the kind and the words.
func answers(t *testing.T, p *program, words ...string) (string, []string) {
	t.Helper()
	code, out, errs := p.run(append([]string{completeWord, "bash"}, words...)...)
	if code != ExitOK || len(errs) > 0 {
		t.Fatalf("%q: exit code %d, stderr %q", words, code, errs)
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	return lines[0], lines[1:]
}

func TestCompletion(t *testing.T) {
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	for _, args := range [][]string{
		{"release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml")},
		{"release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys")},
		{"release", "add", in("repo"), in("b"), "--level", "17", "--channel", "full", "--keys", in("keys")},
		{"adopt", p.home, "--source", in("repo")},
	} {
		if code, _, errs := p.run(args...); code != ExitOK {
			t.Fatalf("%q: %d: %s", args, code, errs)
		}
	}
	before, err := treeDigests(p.home)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words string // as typed, by spaces; the last may be empty
		kind  string
		want  string // words that must be there
		not   string // words that must not
	}{
		{"", wantWords, "status history adopt guard pack release completion help", "init --revert"},
		{"st", wantWords, "status", "history"},
		{"--re", wantWords, "--revert", "--dry-run --version"},
		{"--revert --", wantWords, "--dry-run --help --version", "--revert"},
		{"status --", wantWords, "--json --home", "--revert --version"},
		{"--json status --", wantWords, "--home", "--json"},
		{"release ", wantWords, "init add", "status"},
		{"release add ", wantDirs, "", "init"},
		{"release add repo tree ", wantNone, "", ""},
		{"release add --keys ", wantDirs, "", ""},
		{"--on-conflict ", wantWords, "stop ours theirs", ""},
		{"--on-conflict t", wantWords, "theirs", "ours"},
		{"--on-conflict = t", wantWords, "theirs", "ours"}, // as bash takes --on-conflict=t apart
		{"--on-conflict =", wantWords, "stop ours theirs", ""},
		{"--on-conflict=o", wantWords, "ours", "stop"},
		{"--level ", wantWords, "0 17", "full"},
		{"--level 1", wantWords, "17", "0"},
		{"--channel ", wantWords, "full", "17"},
		{"--source ", wantDirs, "", ""},
		{"merge --format ", wantWords, "xml yaml", ""},
		{"merge a ", wantFiles, "", ""},
		{"pack -o ", wantFiles, "", ""},
		{"--allow-stale ", wantNone, "", ""},
		{"help ", wantWords, "status release", "bash"},
		{"help backups ", wantWords, "list verify prune", "status"},
		{"help release keys ", wantWords, "list rotate", "init"},
		{"help status ", wantWords, "", "status"},
		{"resolve --take ", wantWords, "ours theirs both", "stop"},
		{"resolve --take ./", wantFiles, "", ""},
		{"resolve ", wantFiles, "", ""},
		{"completion ", wantWords, "bash zsh fish powershell", ""},
		{"completion bash ", wantNone, "", ""},
		{"verify lib/a conf/", wantFiles, "", ""},
		{"adopt -- --", wantDirs, "", "--source"},
		{"nonsense ", wantNone, "", "status"},
	} {
		words := strings.Split(c.words, " ")
		words[len(words)-1] = "=" + words[len(words)-1]
		kind, got := answers(t, p, words...)
		if kind != c.kind {
			t.Errorf("%q: want %s, got %s %q", c.words, c.kind, kind, got)
		}
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(got, w) {
				t.Errorf("%q: %s is missing in %q", c.words, w, got)
			}
		}
		for _, w := range strings.Fields(c.not) {
			if slices.Contains(got, w) {
				t.Errorf("%q: %s is in %q", c.words, w, got)
			}
		}
	}
	after, err := treeDigests(p.home)
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("completion changed the installation: %v", err)
	}
	if err := replaceInFile(filepath.Join(p.home, "conf", "server.xml"), `autoDeploy="true"`, `autoDeploy="maybe"`); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := p.run("--home", p.home); code != ExitConflict {
		t.Fatalf("want a conflict, got %d: %s", code, errs)
	}
	if _, got := answers(t, p, "resolve", "="); !slices.Equal(got, []string{"conf/server.xml"}) {
		t.Errorf("resolve: want the conflict that waits, got %q", got)
	}
	if code, _, errs := p.run("--home", p.home, "--on-conflict", "ours"); code != ExitOK {
		t.Fatalf("want an update, got %d: %s", code, errs)
	}
	if _, got := answers(t, p, "history", "="); len(got) == 0 || !strings.HasSuffix(got[0], "-to-17") {
		t.Errorf("history: want the run, got %q", got)
	}
}

// TestCompletionDescribes: other shells show what a word means.
func TestCompletionDescribes(t *testing.T) {
	p := newProgram(t)
	for shell, want := range map[string]string{"zsh": "--revert:take the newest", "fish": "--revert\ttake the newest", "powershell": "--revert\ttake the newest"} {
		_, out, _ := p.run(completeWord, shell, "=--rev")
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: want %q in %q", shell, want, out)
		}
	}
	// A question that is none is not answered and does nothing.
	for _, args := range [][]string{{completeWord}, {completeWord, "bash"}, {completeWord, "bash", "--revert"}} {
		if code, out, errs := p.run(args...); code != ExitOK || len(out)+len(errs) > 0 {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
}

// TestCompletionName: a script is for the name that the program was called by, and only
// a name that cannot be anything else in a script.
func TestCompletionName(t *testing.T) {
	for name, want := range map[string]string{"/opt/acme/bin/update.sh": "-F _inplace_complete update.sh\n", `C:\acme\bin\update.cmd`: "-F _inplace_complete update.cmd\n", "a b": "", "x;rm": "", "$(x)": ""} {
		var out, errs bytes.Buffer
		code := runIn(t0ctx(), []string{launchedFlag, name, "completion", "bash"}, Env{Name: "inplace", Stdout: &out, Stderr: &errs, Now: time.Now, LookupEnv: os.LookupEnv})
		if want == "" && code != ExitUsage || want != "" && !strings.Contains(out.String(), want) {
			t.Errorf("%q: exit code %d, %s%s", name, code, out.String(), errs.String())
		}
	}
}

// shellHome is a directory with an adopted installation, whose launcher is called
// update.sh, and a stranger's script of the same name.
func shellHome(t *testing.T) string {
	t.Helper()
	program, err := os.Executable() // TestMain: this very program, under its name
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "home dir", "bin")
	other := filepath.Join(dir, "other")
	for _, d := range []string{bin, other} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{
		filepath.Join(bin, "inplace"): data, filepath.Join(bin, "update.sh"): launchers()["sh"],
		filepath.Join(other, "update.sh"): []byte("#!/bin/sh\ntouch \"$(dirname \"$0\")/RUN\"\n"),
	} {
		if err := os.WriteFile(file, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCompletionInShells loads each script into its shell and completes.
func TestCompletionInShells(t *testing.T) {
	Slow(t)
	dir := shellHome(t)
	scripts := map[string]string{
		"bash": `source <("$P" completion bash)
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); "$(complete -p update.sh | sed 's/.*-F \([^ ]*\).*/\1/')"; echo "${COMPREPLY[*]}"; }
ask "$P" --rev; ask "$P" --on-conflict = th; ask "$P" '$(touch RUN)' status --js; ask "$D/other/update.sh" --rev`,
		"zsh": `autoload -Uz compinit; compinit -u -d "$D/dump"; source <("$P" completion zsh)
_describe() { shift; shift; print -l -- ${(P)1} }
ask() { words=("$@"); CURRENT=$#; ${_comps[update.sh]} }
ask "${(q)P}" --rev; ask "${(q)P}" --on-conflict=th; ask "${(q)P}" '$(touch RUN)' status --js; ask "$D/other/update.sh" --rev; true`,
		"zsh alone": `source <("$P" completion zsh)
_describe() { shift; shift; print -l -- ${(P)1} }
ask() { words=("$@"); CURRENT=$#; ${_comps[update.sh]} }
ask "${(q)P}" --rev; ask "${(q)P}" --on-conflict=th; ask "${(q)P}" status --js; true`,
		"fish": `"$P" completion fish | source
cd (dirname "$P")
complete -C './update.sh --rev'; complete -C './update.sh --on-conflict=th'; complete -C './update.sh (touch RUN) status --js'
cd "$D/other"; complete -C './update.sh --rev'`,
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			shell, _, _ := strings.Cut(name, " ")
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s", shell)
			}
			args := map[string][]string{"bash": {"--norc", "-c"}, "zsh": {"-f", "-c"}, "fish": {"--no-config", "-c"}}[shell]
			cmd := exec.Command(path, append(args, script)...)
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "D=" + dir, "P=" + filepath.Join(dir, "home dir", "bin", "update.sh")}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"--revert", "theirs", "--json"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s is missing in\n%s", want, out)
				}
			}
			for _, bad := range []string{filepath.Join(dir, "other", "RUN"), filepath.Join(cmd.Dir, "RUN")} {
				if _, err := os.Stat(bad); err == nil {
					t.Errorf("completion ran what it must not: %s", bad)
				}
			}
			if n := strings.Count(string(out), "--revert"); n != 1 {
				t.Errorf("want --revert once, not for the stranger, got %d times\n%s", n, out)
			}
		})
	}
}
