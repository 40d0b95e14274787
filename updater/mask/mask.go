// Package mask hides what looks like a secret in texts that people and logs are shown.
//
// Configuration holds passwords, and what a terminal shows ends in scrollback, tickets
// and mails. Secrets are therefore masked in every difference, report, record, event and
// log. The rules are generous: a masked port number is a nuisance, a shown password is
// not. They go by the names of keys, and by the look of a few things that are secret
// under any name: logins in addresses, tokens of known makers, private keys. A secret
// that nothing names and that looks like nothing is not found.
//
// Each rule says where in a text secrets stand (find.go), and nothing else; what is found
// is united, and hidden line by line. So all that masks has the same rules, lines stay
// lines, and keys stay readable.
package mask

import (
	"slices"
	"strings"
)

// Mask stands for a masked value. Its length says nothing about the value's.
const Mask = "********"

// minKnown is how long a known value must be to be looked for: a shorter one would be
// found in the middle of words.
const minKnown = 4

// Text masks a text of configuration, or what a program has printed: what looks like a
// secret, and each of the values in known, which the environment holds.
func Text(text string, known ...string) string { return find(text, false, known).masked() }

// Record masks a text that is kept: a line of a log, an event, a summary. It hides what
// [Text] hides. But such a text is sentences, whose first word is no key with a value
// behind it.
func Record(text string, known ...string) string { return find(text, true, known).masked() }

// Args masks the arguments of a command line, each by itself, and the value that follows
// a flag with the name of a secret.
func Args(args []string, known ...string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = Record(a, known...)
		if i > 0 && strings.HasPrefix(args[i-1], "-") && !strings.Contains(args[i-1], "=") && secretName(args[i-1]) {
			out[i] = Mask
		}
	}
	for i, keep := range commandSecrets(args) {
		out[i] = args[i][:keep] + Mask
	}
	return out
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// found is a text and what of it is secret: spans that are sorted, apart and not empty,
// none with a line end in it.
type found struct {
	text  string
	lines []span // without their ends
	spans []span
}

// unite makes of the spans that the rules have found what a found has.
func (f *found) unite(all []span) {
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	line, end := 0, 0
	for _, s := range all {
		s.from = max(s.from, end)
		for line < len(f.lines) && f.lines[line].to < s.from {
			line++
		}
		for i := line; i < len(f.lines) && f.lines[i].from < s.to; i++ {
			part := trim(f.text, span{max(s.from, f.lines[i].from), min(s.to, f.lines[i].to)})
			if part.from >= part.to {
				continue
			}
			if n := len(f.spans); n > 0 && f.spans[n-1].to == part.from {
				f.spans[n-1].to = part.to
			} else {
				f.spans = append(f.spans, part)
			}
		}
		end = max(end, s.to)
	}
}

// trim leaves blanks at both ends out of s.
func trim(text string, s span) span {
	for s.from < s.to && blank(text[s.from]) {
		s.from++
	}
	for s.from < s.to && blank(text[s.to-1]) {
		s.to--
	}
	return s
}

func (f *found) masked() string { return hide(f.text, 0, f.spans) }

// hide masks the spans of a text that starts at byte at.
func hide(text string, at int, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	done := 0
	for _, s := range spans {
		b.WriteString(text[done : s.from-at])
		b.WriteString(Mask)
		done = s.to - at
	}
	b.WriteString(text[done:])
	return b.String()
}
