package repository

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A version of the updater is one to four numbers with dots between them, as 1.4 or 2.0.1,
// and may have a suffix for what comes before that version: 2.0.1-rc.1. What is missing
// counts as 0. A program without a version, "devel", is nobody's elder.

// version is one taken apart.
type version struct {
	numbers [4]uint64
	before  string // the suffix
}

func parseVersion(text string) (v version, ok bool) {
	rest, before, suffixed := strings.Cut(text, "-")
	parts := strings.Split(rest, ".")
	if len(text) > 64 || len(parts) > len(v.numbers) || suffixed && before == "" {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return v, false
		}
		v.numbers[i] = n
	}
	for _, c := range before {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-') {
			return v, false
		}
	}
	v.before = before
	return v, true
}

// CheckVersion reports why text cannot be the version of an updater.
func CheckVersion(text string) error {
	if _, ok := parseVersion(text); !ok {
		return fmt.Errorf("version %.70q: want numbers with dots between them, such as 1.4 or 2.0.1-rc.1", text)
	}
	return nil
}

// OlderVersion reports whether a is certainly older than b: both are versions, and a comes
// first.
func OlderVersion(a, b string) bool {
	x, okX := parseVersion(a)
	y, okY := parseVersion(b)
	return okX && okY && x.compare(y) < 0
}

func (v version) compare(o version) int {
	for i, n := range v.numbers {
		if c := cmp.Compare(n, o.numbers[i]); c != 0 {
			return c
		}
	}
	if v.before == "" || o.before == "" {
		return strings.Compare(o.before, v.before) // none comes after any
	}
	a, b := strings.Split(v.before, "."), strings.Split(o.before, ".")
	for i := range min(len(a), len(b)) {
		if c := compareParts(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareParts compares parts of suffixes: numbers by value, and before words.
func compareParts(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}
