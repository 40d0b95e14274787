package manifest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Portable says whether p can be installed on every platform. The error names
// the first reason why not: a name Windows keeps for a device (also with an
// extension), a name ending in a dot or a space, one of < > : " | ? * \, a control
// byte, invalid UTF-8, or an invisible or direction-changing character.
// Rules of Windows: "Naming Files, Paths, and Namespaces" (Microsoft).
func (p Path) Portable() error {
	for rest := string(p); rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if msg := portableFault(name); msg != "" {
			return fmt.Errorf("%s: %s", p, msg)
		}
	}
	return nil
}

// foreign are the bytes that Windows has no name with.
var foreign = [utf8.RuneSelf]bool{'<': true, '>': true, ':': true, '"': true, '|': true, '?': true, '*': true, '\\': true}

// portableFault says what keeps one segment from existing everywhere, or "".
func portableFault(name string) string {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 0x20 && c < 0x7f && !foreign[c] {
			continue
		}
		switch {
		case c < 0x20 || c == 0x7f:
			return fmt.Sprintf("want no control bytes in a name, got 0x%02x", c)
		case c < utf8.RuneSelf:
			return fmt.Sprintf("want a name every system can hold, got a %q in it", c)
		default:
			r, n := utf8.DecodeRuneInString(name[i:])
			if r == utf8.RuneError && n == 1 {
				return fmt.Sprintf("want names in UTF-8, got byte 0x%02x", c)
			}
			if invisible(r) {
				return fmt.Sprintf("want names without invisible characters, got U+%04X", r)
			}
			i += n - 1
		}
	}
	if last := name[len(name)-1]; last == '.' || last == ' ' {
		return "want a name that does not end in a dot or a space, which Windows drops"
	}
	if reservedOnWindows(name) {
		return fmt.Sprintf("want a name every system can hold, got %q, a device of Windows", name)
	}
	return ""
}

// reservedOnWindows reports whether name, up to its first dot, is a device.
func reservedOnWindows(name string) bool {
	if strings.IndexByte("acnlpACNLP", name[0]) < 0 { // hardly any name is looked at further
		return false
	}
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.TrimRight(stem, " ")
	if len(stem) < 3 || len(stem) > len("CONOUT$") {
		return false
	}
	stem = strings.ToUpper(stem)
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	if port, ok := strings.CutPrefix(stem, "COM"); ok {
		return portDigit(port)
	}
	port, ok := strings.CutPrefix(stem, "LPT")
	return ok && portDigit(port)
}

// portDigit reports whether s numbers a port; Windows takes superscripts too.
func portDigit(s string) bool {
	return len(s) == 1 && s[0] >= '0' && s[0] <= '9' || s == "¹" || s == "²" || s == "³"
}

// invisible reports whether r changes what a reader sees without being seen:
// controls, format characters (zero-width, bidi), line and paragraph separators.
func invisible(r rune) bool {
	return r < 0x20 || r >= 0x7f && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp))
}
