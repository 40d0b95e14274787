package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testApp() *cli.App { return newApp(newRun(t0ctx(), Env{}, "update.sh")) }

func TestArrangeTakesFlagsAnywhere(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"nothing", "", "inplace"},
		{"root flags", "--dry-run --level 3", "inplace --dry-run --level=3"},
		{"value with equals sign", "--level=3", "inplace --level=3"},
		{"value that holds an equals sign", "--source=a=b", "inplace --source=a=b"},
		{"short flag gets its long name", "-v", "inplace --verbose"},
		{"flag before the command", "--json status", "inplace status --json"},
		{"flag between argument and argument", "release add repo --level 1 tree --keys k", "inplace release add --level=1 --keys=k -- repo tree"},
		{"flag between command and subcommand", "release --json init repo", "inplace release init --json -- repo"},
		{"argument that looks like a flag", "adopt -- -home", "inplace adopt -- -home"},
		{"a dash is a value", "--events -", "inplace --events=-"},
		{"a dash is an argument", "adopt -", "inplace adopt -- -"},
		{"version of a release", "release add a b --version 4.2", "inplace release add --version=4.2 -- a b"},
		{"version of the program", "--version", "inplace version"},
		{"version of the program, as a document", "--json --version", "inplace version --json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := testApp()
			l, err := arrange(app, strings.Fields(tt.args))
			if err != nil {
				t.Fatalf("arrange(%q): %v", tt.args, err)
			}
			if got := strings.Join(l.argv(app.Name), " "); got != tt.want {
				t.Errorf("arrange(%q):\n got %s\nwant %s", tt.args, got, tt.want)
			}
		})
	}
}

func TestArrangeRefuses(t *testing.T) {
	tests := []struct{ args, text, hint string }{
		{"statsu", `unknown command "statsu"`, "did you mean status?"},
		{"frobnicate", `unknown command "frobnicate"`, "the commands are status, "},
		{"upgrade", `unknown command "upgrade"`, "an update needs no command"},
		{"rollback", `unknown command "rollback"`, "did you mean --revert?"},
		{"--dryrun", `unknown flag "--dryrun"`, "did you mean --dry-run?"},
		{"--rev", `unknown flag "--rev"`, "did you mean --revert?"},
		{"-dry-run", `unknown flag "-dry-run"`, "did you mean --dry-run?"},
		{"--frobnicate", `unknown flag "--frobnicate"`, "see --help"},
		{"-x", `unknown flag "-x"`, "see --help"},
		{"-qv", `unknown flag "-qv"`, "see --help"},
		{"status --dry-run", "--dry-run is no flag of status", "see status --help"},
		{"--bse 0 adopt x", `unknown flag "--bse"`, "did you mean --base?"},
		{"--base 0", "--base is no flag of an update", ""},
		{"--level", "--level wants a value", "write --level VALUE"},
		{"--level --dry-run", "--level wants a value, got the flag --dry-run", "write --level=--dry-run if that is the value"},
		{"--level=", "--level wants a value, got an empty one", ""},
		{"--yes=no", `--yes takes no value, got "no"`, "write --yes"},
		{"-v --verbose", "-v is given twice", ""},
		{"release", "release wants one of init, add, list, promote, withdraw, channel, updater, refresh, keys, sign", ""},
		{"release del", `unknown command "release del"`, "the commands are init, add"},
		{"adopt", "adopt wants HOME, got none", "see adopt --help"},
		{"adopt a b", `adopt wants HOME, got "b" too`, ""},
		{"release add a", `release add wants REPO TREE, got only ["a"]`, ""},
		{"guard x", `guard wants no argument, got "x" too`, ""},
		{"-- x", `want no argument, got "x"`, ""},
		{"-- --dry-run", `want no argument, got "--dry-run"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			_, err := arrange(testApp(), strings.Fields(tt.args))
			var u *usageError
			if !errors.As(err, &u) {
				t.Fatalf("arrange(%q): want a *usageError, got %v", tt.args, err)
			}
			if u.text != tt.text || !strings.HasPrefix(u.hint, tt.hint) || u.hint == "" {
				t.Errorf("arrange(%q):\n got %q, hint %q\nwant %q, hint %q", tt.args, u.text, u.hint, tt.text, tt.hint)
			}
		})
	}
}

// The guard reads all flags before it knows the command, so a name must take a value
// everywhere or nowhere.
func TestFlagsTakeValuesAlike(t *testing.T) {
	app, seen := testApp(), map[string]bool{}
	check := func(list []cli.Flag) {
		for _, f := range list {
			for _, n := range f.Names() {
				if was, ok := seen[n]; ok && was != takesValue(f) {
					t.Errorf("--%s: want it to take a value everywhere or nowhere", n)
				}
				seen[n] = takesValue(f)
			}
		}
	}
	check(app.Flags)
	var visit func([]*cli.Command)
	visit = func(list []*cli.Command) {
		for _, c := range list {
			check(c.Flags)
			visit(c.Subcommands)
		}
	}
	visit(app.Commands)
	if len(seen) < 20 {
		t.Fatalf("want at least 20 flags checked, got %d", len(seen))
	}
}

func TestLaunchedAs(t *testing.T) {
	tests := []struct {
		args []string
		own  string
		rest []string
		name string
	}{
		{[]string{"--dry-run"}, "/opt/acme/bin/inplace", []string{"--dry-run"}, "/opt/acme/bin/inplace"},
		{[]string{"--launched-as", "bin/update.sh", "--dry-run"}, "x", []string{"--dry-run"}, "bin/update.sh"},
		{[]string{"--launched-as", "update.sh"}, "x", []string{}, "sh update.sh"},
		{[]string{"--launched-as", "/opt/my acme/bin/update.sh"}, "x", []string{}, "'/opt/my acme/bin/update.sh'"},
		{[]string{"--launched-as", `it's/u`}, "x", []string{}, `'it'\''s/u'`},
		{[]string{"--launched-as"}, "x", []string{"--launched-as"}, "x"},
		{[]string{"status", "--launched-as", "y"}, "x", []string{"status", "--launched-as", "y"}, "x"},
		{nil, "", nil, "inplace"},
	}
	for _, tt := range tests {
		rest, name := launchedAs(tt.args, tt.own)
		if !slices.Equal(rest, tt.rest) || name != tt.name {
			t.Errorf("launchedAs(%q, %q): got %q, %q; want %q, %q", tt.args, tt.own, rest, name, tt.rest, tt.name)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"status", "status", 0}, {"statsu", "status", 1},
		{"revrt", "revert", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1},
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q): got %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("distance(%q, %q): got %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
