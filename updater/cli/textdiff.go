package cli

import "strings"

// diffLines writes the lines of a unified difference, coloured.
func (r *run) diffLines(diff string) {
	for l := range strings.Lines(diff) {
		l = strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r")
		r.out.line("%s", styled{diffStyle(l), l})
	}
}

func diffStyle(line string) style {
	switch {
	case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "diff --git "):
		return bold
	case strings.HasPrefix(line, "@@"):
		return cyan
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return plain
}
