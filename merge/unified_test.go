package merge

import (
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	ten := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
	for _, c := range []struct {
		name, a, b string
		context    int
		want       string
	}{
		{"equal", "a\n", "a\n", 3, ""},
		{"from nothing", "", "a\nb\n", 3, "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"to nothing", "a\n", "", 3, "--- a\n+++ b\n@@ -1 +0,0 @@\n-a\n"},
		{"context", ten, strings.Replace(ten, "5", "five", 1), 1, "--- a\n+++ b\n@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n"},
		{"no context", ten, strings.Replace(ten, "5\n", "", 1), 0, "--- a\n+++ b\n@@ -5 +4,0 @@\n-5\n"},
		{"contexts that meet", ten, strings.NewReplacer("2\n", "", "7\n", "").Replace(ten), 2,
			"--- a\n+++ b\n@@ -1,9 +1,7 @@\n 1\n-2\n 3\n 4\n 5\n 6\n-7\n 8\n 9\n"},
		{"contexts apart", ten, strings.NewReplacer("2\n", "", "8\n", "").Replace(ten), 2,
			"--- a\n+++ b\n@@ -1,4 +1,3 @@\n 1\n-2\n 3\n 4\n@@ -6,5 +5,4 @@\n 6\n 7\n-8\n 9\n 10\n"},
		{"newline added at the end", "a\nb", "a\nb\n", 3, "--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"},
		{"no newline in context", "a\nb", "a1\nb", 3, "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-a\n+a1\n b\n\\ No newline at end of file\n"},
		{"line ends", "a\r\nb\n", "a\nb\n", 0, "--- a\n+++ b\n@@ -1 +1 @@\n-a\r\n+a\n"},
		{"binary", "a\x00", "b", 3, "Binary files a and b differ\n"},
	} {
		if got := string(Unified([]byte(c.a), []byte(c.b), "a", "b", c.context)); got != c.want {
			t.Errorf("%s: %q to %q:\nwant %q\ngot  %q", c.name, c.a, c.b, c.want, got)
		}
	}
}

func TestUnifiedLabels(t *testing.T) {
	for label, want := range map[string]string{
		"a/conf/x":    "--- a/conf/x\n",
		"a/my conf":   "--- a/my conf\t\n",
		"a/\x1b[2J\n": "--- \"a/\\033[2J\\012\"\n",
		`a/"q"`:       "--- \"a/\\\"q\\\"\"\n",
		"/dev/null":   "--- /dev/null\n",
	} {
		if got := string(Unified([]byte("a"), []byte("b"), label, "x", 3)); !strings.HasPrefix(got, want) {
			t.Errorf("%q: want %q, got %q", label, want, got)
		}
	}
}

// Texts that cannot be compared within the limits are shown as replaced whole.
func TestUnifiedPastTheLimits(t *testing.T) {
	a := strings.Repeat("a\n", MaxLines+1)
	got := string(Unified([]byte(a), []byte(a+"b\n"), "a", "b", 3))
	if want := "--- a\n+++ b\n@@ -1,1000001 +1,1000002 @@\n-a\n"; !strings.HasPrefix(got, want) {
		t.Errorf("want %q, got %q", want, got[:min(len(got), 80)])
	}
}
