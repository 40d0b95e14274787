package quick

import (
	"os"
	"os/signal"
	"syscall"

	"inplace/merge/detect"
	"inplace/merge/window"
)

// maxSide is the size of a file from which on the merge is left to the program.
const maxSide = 64 << 20

// mergeArgs is a command line of `merge` in its plainest form.
type mergeArgs struct {
	sides                [3]string // OURS, BASE, THEIRS
	path, format, output string
}

// parseMerge reads the words behind `merge`; ok is false for anything that is not
// plainly right.
func parseMerge(words []string) (a mergeArgs, ok bool) {
	n, size := 0, ""
	for i := 0; i < len(words); i++ {
		var value *string
		switch w := words[i]; {
		case w == "":
			return a, false
		case w[0] != '-':
			if n == len(a.sides) {
				return a, false
			}
			a.sides[n] = w
			n++
			continue
		case w == "--path":
			value = &a.path
		case w == "--format":
			value = &a.format
		case w == "-o", w == "--output":
			value = &a.output
		case w == "--marker-size": // of no effect where there is no conflict
			value = &size
		default:
			return a, false
		}
		i++
		if *value != "" || i == len(words) || words[i] == "" || words[i][0] == '-' {
			return a, false
		}
		*value = words[i]
	}
	return a, n == len(a.sides) && (size == "" || size == "7")
}

// merged does a merge whose changes lie apart, in full, and tells whether it did. Nothing
// has been written where it did not.
func merged(words []string) bool {
	a, ok := parseMerge(words)
	if !ok {
		return false
	}
	var sides [3][]byte
	for i, name := range a.sides {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxSide {
			return false
		}
		if sides[i], err = os.ReadFile(name); err != nil {
			return false
		}
	}
	if a.path == "" {
		a.path = a.sides[0]
	}
	if a.format == "" {
		a.format = detect.Format(slashes(a.path), sides[2])
	}
	text, ok := window.Merge(a.format, sides[1], sides[0], sides[2])
	if !ok {
		return false
	}
	if a.output != "" {
		// In place, as the program does it: git's merge driver holds the file by name. A
		// failure is met again, and told, by the program.
		return os.WriteFile(a.output, text, 0o644) == nil
	}
	signal.Ignore(syscall.SIGPIPE)
	n, err := os.Stdout.Write(text)
	if err != nil && n > 0 {
		_, _ = os.Stderr.WriteString("error: writing the merged text: " + err.Error() + "\n")
		os.Exit(1)
	}
	return err == nil
}

// slashes is a path with slashes between its parts.
func slashes(path string) string {
	out := []byte(path)
	for i := range out {
		if os.IsPathSeparator(out[i]) {
			out[i] = '/'
		}
	}
	return string(out)
}
