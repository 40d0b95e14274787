package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// What differs from run to run in a transcript.
var transcriptNoise = []struct {
	like *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\d{8}T\d{6}Z-to-`), "20261128T020304Z-to-"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`), "2026-11-28 02:03"},
	{regexp.MustCompile(`within\s+(?:[\d.]+\s+m?s\b|less\s+than\s+a\s+millisecond)`), "within 9 ms"},
	{regexp.MustCompile(`\b[\w-]+@[\w.-]+`), "acme@node1"},
	{regexp.MustCompile(`\d[\d.,]* (B|KiB|MiB|GiB|TiB)\b`), "9 KiB"},
}

func quietTranscript(s string) string {
	for _, n := range transcriptNoise {
		s = n.like.ReplaceAllString(s, n.as)
	}
	return s
}

// cmdTranscript types each command of a page of docs, `    $ COMMAND`, and compares what is
// printed with the indented lines below it: transcript NAME. Every command but the first
// must have been printed before, by itself or up to what is to be chosen. With -update the
// page is written anew: go test ./updater/cli -run TestScript/resolve_transcript -update
func cmdTranscript(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1)
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", args[0]))
	ts.Check(err)
	data, err := os.ReadFile(page)
	ts.Check(err)
	const indent = "    "
	var out strings.Builder
	seen, typed := "", 0
	lines := strings.SplitAfter(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		command, ok := strings.CutPrefix(lines[i], indent+"$ ")
		out.WriteString(lines[i])
		if !ok {
			continue
		}
		command = strings.TrimSpace(command)
		want := ""
		for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], indent) && !strings.HasPrefix(lines[i+1], indent+"$ ") || lines[i+1] == "\n" && insideBlock(lines[i+2:], indent)) {
			i++
			want += strings.TrimPrefix(lines[i], indent)
		}
		offered, _, _ := strings.Cut(command, " --take ")
		if typed++; typed > 1 && !strings.Contains(seen, offered) {
			ts.Fatalf("%s: nothing printed before says to type %q", args[0], command)
		}
		_ = ts.Exec("sh", "-c", command+" 2>&1") // in the order in which it is printed; how it ends is too
		got := quietTranscript(ts.ReadFile("stdout"))
		seen += got
		if oneLined(got) != oneLined(want) && !*updateMan { // words break by how long a time is
			ts.Fatalf("%s: %s:\n got:\n%s\nwant:\n%s\nif that is right: -update", args[0], command, got, want)
		}
		for l := range strings.Lines(got) {
			if l != "\n" {
				l = indent + l
			}
			out.WriteString(l)
		}
		if i+1 < len(lines) {
			out.WriteString("\n")
			for i+1 < len(lines) && lines[i+1] == "\n" {
				i++
			}
		}
	}
	if typed < 5 {
		ts.Fatalf("%s: want at least 5 commands, got %d", args[0], typed)
	}
	if *updateMan {
		ts.Check(os.WriteFile(page, []byte(out.String()), 0o644))
	}
}

func oneLined(s string) string { return strings.Join(strings.Fields(s), " ") }

// insideBlock reports whether an empty line is followed by more of an indented block that
// is no command.
func insideBlock(rest []string, indent string) bool {
	for _, l := range rest {
		if l != "\n" {
			return strings.HasPrefix(l, indent) && !strings.HasPrefix(l, indent+"$ ")
		}
	}
	return false
}
