package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"inplace/updater"
)

// Programs that are started here are those that the operator named: $VISUAL or $EDITOR,
// the merge tool of git's configuration, or the one of --tool. The three sides and the
// text with markers are files of the workspace; what the program has made of the latter
// is looked at afterwards, however it ended.

// mergeTools are the common merge tools: their program, and its arguments, in which
// BASE, LOCAL, REMOTE and MERGED stand for files. LOCAL is ours, REMOTE the vendor's.
var mergeTools = map[string][]string{
	"vimdiff":  {"vim", "-f", "-d", "-c", "4wincmd w | wincmd J", "LOCAL", "BASE", "REMOTE", "MERGED"},
	"nvimdiff": {"nvim", "-f", "-d", "-c", "4wincmd w | wincmd J", "LOCAL", "BASE", "REMOTE", "MERGED"},
	"gvimdiff": {"gvim", "-f", "-d", "-c", "4wincmd w | wincmd J", "LOCAL", "BASE", "REMOTE", "MERGED"},
	"meld":     {"meld", "--output=MERGED", "LOCAL", "BASE", "REMOTE"},
	"kdiff3":   {"kdiff3", "--auto", "-o", "MERGED", "BASE", "LOCAL", "REMOTE"},
	"opendiff": {"opendiff", "LOCAL", "REMOTE", "-ancestor", "BASE", "-merge", "MERGED"},
	"p4merge":  {"p4merge", "BASE", "REMOTE", "LOCAL", "MERGED"},
	"vscode":   {"code", "--wait", "--merge", "REMOTE", "LOCAL", "BASE", "MERGED"},
	"code":     {"code", "--wait", "--merge", "REMOTE", "LOCAL", "BASE", "MERGED"},
}

// openIn opens the conflict w in the editor (task edit), or in the merge tool name, ""
// being that of git's configuration.
func (r *run) openIn(task, name string, w *updater.Waiting, in *bufio.Reader) error {
	if w.Where.Merged == "" {
		return usage(w.Path.String()+": is decided as a whole, there is no text to edit", "resolve it with --take ours, theirs or FILE")
	}
	var cmd *exec.Cmd
	var err error
	if task == "edit" {
		cmd, err = r.editor(r.inWorkspace(w.Where.Merged))
	} else {
		cmd, err = r.mergeTool(name, w.Where)
	}
	if err != nil {
		return err
	}
	r.reporter.clear()
	if err := r.out.flush(r.resultsTo); err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = r.env.Stdout, r.env.Stderr
	if r.json { // stdout has one document
		cmd.Stdout = r.env.Stderr
	}
	if cmd.Stdin = r.env.Stdin; in.Buffered() > 0 {
		cmd.Stdin = in
	}
	if err := cmd.Run(); err != nil {
		var ended *exec.ExitError
		if task == "tool" && errors.As(err, &ended) {
			r.out.message(styled{yellow, "note:"}, "the merge tool ended with "+err.Error()+"; what it has written counts")
			return nil
		}
		return fmt.Errorf("%s: %w", cmd.Args[0], bareCause(err))
	}
	return nil
}

// editor is $VISUAL, else $EDITOR, split into words at blanks: no shell reads it.
func (r *run) editor(file string) (*exec.Cmd, error) {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if value, _ := r.env.LookupEnv(name); len(strings.Fields(value)) > 0 {
			words := strings.Fields(value)
			return exec.Command(words[0], append(words[1:], file)...), nil
		}
	}
	return nil, usage("no editor is named", "set VISUAL or EDITOR, or edit the file by hand: "+place(file).String())
}

// mergeTool is the command of a merge tool, as git would start it.
func (r *run) mergeTool(name string, at updater.ConflictPaths) (*exec.Cmd, error) {
	config := r.gitConfig()
	if name == "" {
		name = config["merge.tool"]
	}
	if name == "" {
		return nil, usage("no merge tool is named", "name one with --tool, or in git's configuration: git config --global merge.tool NAME")
	}
	files := map[string]string{"BASE": r.inWorkspace(at.Base), "LOCAL": r.inWorkspace(at.Ours), "REMOTE": r.inWorkspace(at.Theirs), "MERGED": r.inWorkspace(at.Merged)}
	key := "mergetool." + name
	if line := config[key+".cmd"]; line != "" {
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = os.Environ()
		for _, k := range []string{"BASE", "LOCAL", "REMOTE", "MERGED"} {
			cmd.Env = append(cmd.Env, k+"="+files[k])
		}
		return cmd, nil
	}
	words := slices.Clone(mergeTools[name])
	if words == nil {
		return nil, usage("merge tool "+shellQuote(name)+": git's configuration has no "+key+".cmd, and it is none of those known here", "known are "+strings.Join(toolNames(), ", "))
	}
	if p := config[key+".path"]; p != "" {
		words[0] = r.tilde(p)
	}
	for i := range words[1:] {
		w := &words[i+1]
		head, tail, has := strings.Cut(*w, "=")
		switch {
		case files[*w] != "":
			*w = files[*w]
		case has && files[tail] != "":
			*w = head + "=" + files[tail]
		}
	}
	return exec.Command(words[0], words[1:]...), nil
}

func toolNames() []string {
	var names []string
	for name := range mergeTools {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// userHome is the home directory of who runs this; "" if there is none.
func (r *run) userHome() string {
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if dir, _ := r.env.LookupEnv(name); filepath.IsAbs(dir) {
			return dir
		}
	}
	return ""
}

func (r *run) tilde(p string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return filepath.Join(r.userHome(), rest)
	}
	return p
}

// gitConfig reads what git's configuration says about merge tools: the system's file,
// then the user's two, a later one counting.
func (r *run) gitConfig() map[string]string {
	files := []string{"/etc/gitconfig"}
	if home := r.userHome(); home != "" {
		files = append(files, filepath.Join(home, ".config", "git", "config"), filepath.Join(home, ".gitconfig"))
	}
	out := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || len(data) > 1<<20 {
			continue
		}
		readGitConfig(string(data), out)
	}
	return out
}
