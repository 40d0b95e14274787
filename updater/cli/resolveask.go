package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"inplace/updater"
)

func bufferedInput(in io.Reader) *bufio.Reader { return bufio.NewReader(in) }

// askEach asks about each conflict that is open, one after the other, and lists in the
// end what waits. It holds no lock while it waits for an answer.
func (r *run) askEach(e engine, v *updater.Workspace, path string) error {
	if path != "" {
		var err error
		if v, err = only(e, v, path); err != nil {
			return err
		}
	}
	in := bufferedInput(r.env.Stdin)
	for _, w := range v.Conflicts {
		if w.Resolved {
			continue
		}
		quit, err := r.askOne(e, &w, in)
		if err != nil {
			return err
		}
		if quit {
			break
		}
	}
	r.out.gap()
	return r.showWaiting(e.Workspace(r.ctx))
}

// askOne asks about a conflict until it is decided or passed over.
func (r *run) askOne(e engine, w *updater.Waiting, in *bufio.Reader) (quit bool, err error) {
	words := []string{"ours", "theirs", "skip", "quit"}
	if w.Where.Merged != "" {
		words = []string{"ours", "theirs", "both", "edit", "mergetool", "skip", "quit"}
	}
	r.waitingText(w)
	for {
		r.out.gap()
		if err := r.out.flush(r.resultsTo); err != nil {
			return true, err
		}
		fmt.Fprintf(r.env.Stderr, "%s: ", oneOf(words))
		answer, err := await(r.ctx, func() (string, error) { return in.ReadString('\n') })
		if err != nil && answer == "" { // the end of input
			return true, r.ctx.Err()
		}
		answer = strings.ToLower(strings.TrimSpace(answer))
		word := ""
		for _, known := range words {
			if answer != "" && strings.HasPrefix(known, answer) {
				word = known
				break
			}
		}
		var failed error
		switch word {
		case "skip":
			return false, nil
		case "quit":
			return true, nil
		case "ours", "theirs", "both":
			_, failed = e.Resolve(r.ctx, updater.ResolveOptions{Path: w.Path, Conflict: w.ID, Take: word})
		case "edit", "mergetool":
			task := map[string]string{"edit": "edit", "mergetool": "tool"}[word]
			if failed = r.openIn(task, "", w, in); failed == nil {
				var still bool
				if still, failed = r.stillOpen(e, w); still && failed == nil {
					continue
				}
			}
		default:
			r.out.line("answer with the first letter")
			continue
		}
		if failed == nil {
			return false, nil
		}
		if r.ctx.Err() != nil {
			return true, failed
		}
		r.out.message(styled{red, "error:"}, failed.Error())
	}
}

// stillOpen tells after an editor what is left to do about w.
func (r *run) stillOpen(e engine, w *updater.Waiting) (bool, error) {
	v, err := e.Workspace(r.ctx)
	if err != nil {
		return true, err
	}
	for _, now := range v.Conflicts {
		if now.ID != w.ID || now.Path != w.Path || now.Resolved {
			continue
		}
		text := now.Fault
		if text == "" {
			text = "its markers are still there"
		}
		r.out.message(styled{yellow, "open:"}, text)
		return true, nil
	}
	return false, nil
}
