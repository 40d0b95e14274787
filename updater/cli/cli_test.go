package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the program: a copy of this test binary under its name
// is the program, also where adopt has copied it into an installation.
func TestMain(m *testing.M) {
	program := func() { os.Exit(Main(os.Args[1:], System(testVersion()))) }
	testscript.Main(m, map[string]func(){
		"inplace": program,
		"inplace-" + runtime.GOOS + "-" + runtime.GOARCH: program,
	})
}

// inShort are the flows of a short run, which the race detector takes: each starts the program
// some dozen times, and those left out do nothing at once that these do not.
var inShort = []string{"story", "json", "prepare", "resolve"}

// Slow skips, in a short run, what starts many programs.
func Slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many programs")
	}
}

// TestScript runs the flows in testdata/script.
func TestScript(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "script")
	if files, err := filepath.Glob(filepath.Join(dir, "*.txtar")); err != nil || len(files) < 15 {
		t.Fatalf("%s: want at least 15 scripts, got %d, %v", dir, len(files), err)
	}
	params := testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv(envPassphrase, "")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, ".config"))
			e.Setenv("INPLACE_CACHE_DIR", filepath.Join(e.WorkDir, ".cache"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sample":  cmdSample,
			"digests": cmdDigests,
			"edit":    cmdEdit,
			"mode":    cmdMode,
			"link":    cmdLink,
			"exits":   cmdExits,
			"capture": cmdCapture,
			"await":   cmdAwait,

			"transcript": cmdTranscript,
			"newer":      cmdNewer,
		},
	}
	if testing.Short() {
		params.Dir = ""
		for _, name := range inShort {
			params.Files = append(params.Files, filepath.Join(dir, name+".txtar"))
		}
	}
	testscript.Run(t, params)
}

// cmdSample writes a level of the sample product: sample LEVEL DIR.
func cmdSample(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	ts.Check(writeDemo("level"+args[0], ts.MkAbs(args[1])))
}

// cmdDigests writes what lies in a tree into a file: digests DIR FILE.
func cmdDigests(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	lines, err := treeDigests(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// cmdEdit replaces a text in a file: edit FILE OLD NEW.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3)
	ts.Check(replaceInFile(ts.MkAbs(args[0]), args[1], args[2]))
}

// cmdMode checks a mode: mode FILE 0755.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("want mode FILE MODE")
	}
	info, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); (got == args[1]) == neg {
		ts.Fatalf("%s: mode: want %s (negated: %v), got %s", args[0], args[1], neg, got)
	}
}

// cmdCapture puts what the first group of a pattern matches in a file, which may be stdout, into
// a variable: capture NAME FILE PATTERN.
func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3)
	m := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) < 2 {
		ts.Fatalf("%s: no match for %s", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}

// cmdLink checks the target of a link: link FILE TARGET.
func cmdLink(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	got, err := os.Readlink(ts.MkAbs(args[0]))
	ts.Check(err)
	if got != args[1] {
		ts.Fatalf("%s: target: want %s, got %s", args[0], args[1], got)
	}
}

// cmdAwait waits for a file and puts its text into a variable: await FILE VARIABLE.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	for {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil {
			ts.Setenv(args[1], strings.TrimSpace(string(data)))
			return
		}
		time.Sleep(5 * time.Millisecond) // the test's own time limit ends it
	}
}

// cmdExits runs a command that must end with a certain code: exits CODE COMMAND ARG...
// Its output is compared with stdout and stderr afterwards as that of exec is.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("want exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		code, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = code.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s: exit code: want %d, got %d\n%s", strings.Join(args[1:], " "), want, got, ts.ReadFile("stderr"))
	}
}

func wantArgs(ts *testscript.TestScript, neg bool, args []string, n int) {
	if neg || len(args) != n {
		ts.Fatalf("want %d arguments, got %q", n, args)
	}
}
