package manifest

import (
	"fmt"
	"strings"
)

// escaped reports whether c is written as %XX in an inventory: what would end a
// field or a line, the controls, and the escape itself.
func escaped(c byte) bool { return c <= ' ' || c == 0x7f || c == '%' }

// Escape writes s for a field of a line-based list: bytes below 0x21, 0x7F and `%`
// as %XX with upper-case digits, all else as it is.
func Escape(s string) string { return escapeName(s) }

// Unescape reads what [Escape] writes and refuses every other spelling.
func Unescape(s string) (string, error) {
	out, fault := unescapeName(s)
	if fault != "" {
		return "", fmt.Errorf("%.60q: %s", s, fault)
	}
	return out, nil
}

const upperHex = "0123456789ABCDEF"

// escapeName returns s with every escaped byte as % and two upper-case digits.
func escapeName(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if escaped(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; escaped(c) {
			b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// unescapeName reads what escapeName writes and no other spelling; the second
// result is the fault, or "". Without a % the result shares the memory of s.
func unescapeName(s string) (string, string) {
	plain := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c == 0x7f {
			return "", "want control bytes and spaces written as %XX"
		}
		plain = plain && c != '%'
	}
	if plain {
		return s, ""
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if len(s)-i < 3 {
			return "", "want %XX in upper-case hexadecimal digits, got it cut short"
		}
		hi := strings.IndexByte(upperHex, s[i+1])
		lo := strings.IndexByte(upperHex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", "want %XX in upper-case hexadecimal digits"
		}
		c := byte(hi<<4 | lo)
		if !escaped(c) {
			return "", "want %XX only for what has to be escaped"
		}
		b = append(b, c)
		i += 2
	}
	return string(b), ""
}
