package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

var updateMan = flag.Bool("update", false, "write docs/inplace.1 anew")

// TestManPage: docs/inplace.1 is what the table of commands, and the tables of the
// README, make it. After a change: go test ./updater/cli -run TestManPage -update
func TestManPage(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "inplace.1")
	want := manPage(t)
	if *updateMan {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not up to date (%v): go test ./updater/cli -run TestManPage -update", file, err)
	}
	for _, tool := range [][]string{{"mandoc", "-T", "lint", "-W", "warning", file}, {"groff", "-man", "-ww", "-z", "-b", "-Kutf8", file}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("not checked with %s, which is not installed", tool[0])
			continue
		}
		if out, err := exec.Command(tool[0], tool[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", strings.Join(tool, " "), err, out)
		}
	}
}

// manPage is the manual page in the macros of man(7).
func manPage(t *testing.T) []byte {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	app := newApp(newRun(t.Context(), Env{}, "inplace"))
	m := &manWriter{}
	m.line(`.\" Made by go test ./updater/cli -run TestManPage -update`)
	m.line(`.TH INPLACE 1 2026-11-23 inplace "User Commands"`)
	m.section("NAME")
	m.text("inplace - " + app.Usage)
	m.section("SYNOPSIS")
	m.text("inplace [FLAGS]")
	m.line(".br")
	m.text("inplace COMMAND [ARGUMENTS] [FLAGS]")
	m.section("DESCRIPTION")
	for i, p := range manDescription {
		m.paragraph(i)
		m.text(p)
	}
	m.section("FLAGS")
	m.flags(app.Flags)
	m.section("COMMANDS")
	m.commands(nil, app.Commands)
	m.section("EXIT STATUS")
	rows := 0
	for _, cells := range tableBelow(readme, "## Exit codes") {
		m.term(cells[0], cells[1])
		rows++
	}
	if rows < 7 {
		t.Fatalf("README.md: want at least 7 exit codes, got %d", rows)
	}
	m.section("ENVIRONMENT")
	for _, e := range manEnvironment {
		m.term(e[0], e[1])
	}
	m.section("FILES")
	m.text("In the directory of an installation:")
	rows = 0
	for _, l := range indentedBelow(readme, "## Files of an installation") {
		words := strings.Fields(l)
		names := 0 // the words with a slash, up to the first without
		for names < len(words) && strings.Contains(words[names], "/") {
			words[names] = strings.TrimSuffix(words[names], ",")
			names++
		}
		if names == len(words) {
			t.Fatalf("README.md: want a word on what it is after %q", l)
		}
		m.term(strings.Join(words[:names], ", "), strings.Join(words[names:], " "))
		rows++
	}
	if rows < 6 {
		t.Fatalf("README.md: want at least 6 files, got %d", rows)
	}
	m.section("EXAMPLES")
	for i, e := range manExamples {
		m.paragraph(i)
		m.text(e[0])
		m.example(e[1])
	}
	m.section("SEE ALSO")
	m.text("docs/operator.md and docs/vendor.md of the source; rsync(1), zstd(1)")
	return m.buf.Bytes()
}

var manDescription = []string{
	"inplace updates an installed product where it stands. The operator's edits are merged with the vendor's changes; a conflict changes nothing. Whatever interrupts a run, the installation ends as it was or as it is to be.",
	"Without a command it updates the installation to the newest level of its channel. The installation is the folder above the bin that the program lies in, or --home DIR. Products call it by a launcher, bin/update.sh, which takes the same flags and commands.",
	"Flags may stand anywhere; -- ends them. A flag given twice, an unknown flag and an unknown command are errors. Results go to standard output; progress, errors and hints to standard error. With --json standard output has exactly one document, also on failure.",
}

var manEnvironment = [][2]string{
	{"INPLACE_PASSPHRASE", "passphrase of the private keys, for vendors; empty means plain keys"},
	{"INPLACE_CACHE_DIR", "where what was fetched is kept; each use verifies it"},
	{"INPLACE_TOKEN", "token to log in with at a source over the network"},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "proxies for sources over the network"},
	{"VISUAL, EDITOR", "the editor of resolve, words parted by blanks"},
	{"HOME", "where resolve looks for git's configuration, which may name a merge tool"},
	{"NO_COLOR", "if set and not empty, nothing is coloured"},
}

var manExamples = [][2]string{
	{"Make an installation known, once, and look what an update would do:", "inplace adopt /opt/acme --source /srv/acme-updates\n/opt/acme/bin/update.sh --dry-run"},
	{"Update, and go back:", "/opt/acme/bin/update.sh\n/opt/acme/bin/update.sh --revert"},
	{"Decide conflicts, and go on:", "/opt/acme/bin/update.sh resolve\n/opt/acme/bin/update.sh resolve conf/server.xml --take ours\n/opt/acme/bin/update.sh --continue"},
	{"In a start script:", "/opt/acme/bin/update.sh guard || exit 1"},
	{"In a build: the newest release as a file, the same bytes each time:", "inplace pack --source /srv/acme-updates \\\n    --root sha256:FINGERPRINT -o acme.tar.zst"},
	{"Completion in bash:", "source <(/opt/acme/bin/update.sh completion bash)"},
}

// manWriter writes roff.
type manWriter struct{ buf bytes.Buffer }

func (m *manWriter) line(s string) { m.buf.WriteString(s + "\n") }

// roff escapes what roff would take for its own.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

// text writes a line of running text.
func (m *manWriter) text(s string) { m.line(roff(s)) }

func (m *manWriter) section(name string) { m.line(".SH " + name) }

// paragraph begins paragraph i of a section; the first needs no mark.
func (m *manWriter) paragraph(i int) {
	if i > 0 {
		m.line(".PP")
	}
}

// term writes a word and what it means.
func (m *manWriter) term(name, text string) {
	m.line(".TP\n.B " + roff(name))
	m.text(strings.TrimSpace(strings.ReplaceAll(text, "`", "")))
}

func (m *manWriter) flags(list []cli.Flag) {
	for _, f := range list {
		head, text := flagText(f)
		var names []string
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
		m.term(strings.TrimSpace(strings.Join(names, ", ")+" "+head), text)
	}
}

// commands explains list, whose names stand behind above, and their flags. Those that
// every command has are explained with the program's own.
func (m *manWriter) commands(above []string, list []*cli.Command) {
	for _, c := range list {
		path := append(above[:len(above):len(above)], c.Name)
		m.line(fmt.Sprintf(`.SS "%s"`, roff(strings.TrimSpace(strings.Join(path, " ")+" "+c.ArgsUsage))))
		m.text(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
		m.explanation(strings.Join(path, " "))
		own, _ := split(c.Flags)
		m.flags(own)
		m.commands(path, c.Subcommands)
	}
}

// explanation writes what the help says of a command, with its examples.
func (m *manWriter) explanation(path string) {
	e := explain(path)
	for paragraph := range strings.SplitSeq(e.text, "\n\n") {
		if paragraph != "" {
			m.line(".PP")
			m.text(paragraph)
		}
	}
	if len(e.examples) > 0 {
		m.example(strings.Join(e.examples, "\n"))
	}
}

// example writes command lines as they are typed.
func (m *manWriter) example(lines string) {
	m.line(".PP\n.in +4n\n.nf")
	for l := range strings.Lines(strings.ReplaceAll(lines, "PROG", "inplace")) {
		m.text(strings.TrimRight(l, "\n"))
	}
	m.line(".fi\n.in")
}

// tableBelow are the cells of the first table below a heading, without its own head.
func tableBelow(text []byte, heading string) [][]string {
	var out [][]string
	_, rest, _ := strings.Cut(string(text), heading+"\n")
	for l := range strings.Lines(rest) {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "|") {
			if len(out) > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(l, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out[min(2, len(out)):]
}

// indentedBelow are the lines of the first indented block below a heading.
func indentedBelow(text []byte, heading string) []string {
	var out []string
	_, rest, _ := strings.Cut(string(text), heading+"\n")
	for l := range strings.Lines(rest) {
		if line, ok := strings.CutPrefix(l, "    "); ok {
			out = append(out, strings.TrimSpace(line))
		} else if len(out) > 0 {
			break
		}
	}
	return out
}
