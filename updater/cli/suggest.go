package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func unknownFlag(typed string, known map[string]cli.Flag) error {
	hint := "see --help"
	switch s := nearest(typed, flagNames(known)); {
	case typed == "-V":
		hint = "did you mean --version?"
	case typed == "--help" || typed == "--version":
		return usage(typed+" takes no value", "write "+typed)
	case s != "":
		hint = "did you mean " + s + "?"
	}
	return usage(fmt.Sprintf("unknown flag %q", typed), hint)
}

func unknownCommand(word string, above []string, list []*cli.Command) error {
	names := commandNames(list)
	hint := "the commands are " + strings.Join(names, ", ")
	if s := habit(word); s != "" && len(above) == 0 {
		hint = s
	} else if s := nearest(word, names); s != "" {
		hint = "did you mean " + strings.Join(append(slices.Clone(above), s), " ") + "?"
	}
	return usage(fmt.Sprintf("unknown command %q", strings.Join(append(slices.Clone(above), word), " ")), hint)
}

// habit is the hint for a word that other programs have as a command.
func habit(word string) string {
	switch strings.ToLower(word) {
	case "update", "upgrade", "apply", "up":
		return "an update needs no command: leave the word out"
	case "revert", "rollback", "undo", "back", "downgrade":
		return "did you mean --revert? Or --level N, to go to a certain level"
	case "dry-run", "dryrun", "plan", "check", "preview":
		return "did you mean --dry-run?"
	case "init", "publish":
		return "did you mean release init, or release add?"
	case "install", "register":
		return "did you mean adopt?"
	case "log", "list":
		return "did you mean history, or status?"
	}
	return ""
}

func flagNames(known map[string]cli.Flag) []string {
	var names []string
	for n, f := range known {
		if v, ok := f.(cli.VisibleFlag); len(n) > 2 && (!ok || v.IsVisible()) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return append(names, "--help")
}

func commandNames(list []*cli.Command) []string {
	var names []string
	for _, c := range list {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// nearest is the one of names that word was most likely meant to be, or "". Of
// equally near ones it is the first.
func nearest(word string, names []string) string {
	bare := strings.ToLower(strings.TrimLeft(word, "-"))
	best, least := "", 1000
	for _, n := range names {
		want := strings.TrimLeft(n, "-")
		d := distance(bare, want)
		if len(bare) >= 2 && strings.HasPrefix(want, bare) {
			d = min(d, 1)
		}
		if len(bare) >= 4 && strings.HasSuffix(want, bare) { // --edits for --with-edits
			d = min(d, 1)
		}
		if d < least {
			best, least = n, d
		}
	}
	if least > 1+len(bare)/4 {
		return ""
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with the
// next to make a into b (Damerau's, restricted to one edit per place).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
