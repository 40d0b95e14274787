package merge

import (
	"fmt"
	"strings"
)

// applyUnified applies a unified diff strictly: every context and removed line
// must stand where the hunk says. For tests that run too often to call patch(1).
func applyUnified(a, diff string) (string, error) {
	lines, out := strings.SplitAfter(a, "\n"), strings.Builder{}
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	at := 0
	d := strings.SplitAfter(diff, "\n")
	d = d[2 : len(d)-1]
	for i := 0; i < len(d); i++ {
		sign, l := d[i][0], d[i][1:]
		if i+1 < len(d) && d[i+1][0] == '\\' {
			l = strings.TrimSuffix(l, "\n")
		}
		switch sign {
		case '@':
			var start int
			if _, err := fmt.Sscanf(d[i], "@@ -%d", &start); err != nil {
				return "", err
			}
			if !strings.Contains(strings.Fields(d[i])[1], ",0") {
				start--
			}
			if start < at || start > len(lines) {
				return "", fmt.Errorf("hunk at line %d, want %d to %d", start, at, len(lines))
			}
			out.WriteString(strings.Join(lines[at:start], ""))
			at = start
		case ' ', '-':
			if at >= len(lines) || lines[at] != l {
				return "", fmt.Errorf("line %d is not %q", at, l)
			}
			if sign == ' ' {
				out.WriteString(l)
			}
			at++
		case '+':
			out.WriteString(l)
		}
	}
	out.WriteString(strings.Join(lines[at:], ""))
	return out.String(), nil
}
