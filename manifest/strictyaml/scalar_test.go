package strictyaml

import (
	"regexp"
	"testing"
)

// TestForms holds what is read by hand against the patterns that say the same.
func TestForms(t *testing.T) {
	simple := func(s string) bool {
		key, rest := simpleKey(s)
		return key != "" && rest == ""
	}
	forms := []struct {
		name    string
		is      func(string) bool
		pattern string
	}{
		{"wholeNumber", wholeNumber, `^(0|-?[1-9][0-9]*)$`},
		{"oldScalar", oldScalar, `^(?i:y|yes|n|no|on|off)$|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`},
		{"simpleKey", simple, `^[A-Za-z0-9_-]+$`},
	}
	for _, f := range forms {
		p, found := regexp.MustCompile(f.pattern), 0
		for _, s := range []string{
			"", "-", "0", "-0", "00", "01", "-01", "1", "-1", "--1", "+1", "10", "-10", "1-", "1 ", "1\n", "1.0", "1a", "٣",
			"y", "Y", "yes", "YES", "yes ", "yeſ", "n", "No", "on", "oN", "OFF", "of", "true", "",
			"1:20", "+1:20", "-1:20", "1:60", "1_0:20", "1:2:3", "1:2.5", "1:", ":20", "a:20", "1:20\n", "sha256:00",
			"a", "Z", "a-b", "a_b", "a.b", ".a", "a b", "a\n", "ä", "a[", "\xff",
		} {
			want := p.MatchString(s)
			if got := f.is(s); got != want {
				t.Errorf("%s(%q): want %v, got %v", f.name, s, want, got)
			}
			if want {
				found++
			}
		}
		if found < 3 {
			t.Errorf("%s: want at least 3 texts that fit, got %d", f.name, found)
		}
	}
}
