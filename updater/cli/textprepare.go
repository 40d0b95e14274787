package cli

import (
	"fmt"
	"time"

	"inplace/manifest"
	"inplace/updater"
)

// preparedText says what a run that prepares has done.
func (r *run) preparedText(o *updater.Outcome) {
	p, w := o.Plan, o.Prepared
	r.recoveryText(o.Recovery)
	r.planHead(p)
	for _, text := range append(p.Warnings[:len(p.Warnings):len(p.Warnings)], o.Warnings...) {
		r.out.message(styled{yellow, "warning:"}, text)
	}
	r.windowText(p)
	r.out.gap()
	if w.Already {
		r.out.wrapped(0, fmt.Sprintf("All of it was prepared on %s and is as it was staged: %s, %s.", when(w.Created), count(w.Paths, "path"), size(w.Bytes)))
	} else {
		text := fmt.Sprintf("Staged %s, %s", count(w.Paths, "path"), size(w.Bytes))
		if w.Kept > 0 {
			text += fmt.Sprintf("; %d of them were prepared before and are as they were", w.Kept)
		}
		r.out.wrapped(0, text+".")
	}
	if !w.ValidUntil.IsZero() {
		r.out.wrapped(0, "Until "+when(w.ValidUntil)+" UTC this needs no repository any more.")
	}
	r.say("%s is prepared; the installation was not changed. In the window: %s", p.To.Name(), r.shell())
}

// preparedStatus says in status what waits prepared.
func (r *run) preparedStatus(w *updater.PreparedInfo) {
	if w == nil {
		return
	}
	r.out.gap()
	r.out.line("%s: %s, on %s by %s, %s, %s", styled{bold, "Prepared"}, w.Name(), when(w.Created), w.By, count(w.Paths, "path"), size(w.Bytes))
	if len(w.Drift) == 0 {
		r.out.wrapped(2, "nothing has changed since; a plain run takes it, --abort drops it")
	} else {
		r.out.wrapped(2, "has drifted; a plain run does again what is touched, --abort drops it:")
	}
	var rows []row
	for _, d := range w.Drift {
		rows = append(rows, row{"!", d, ""})
	}
	r.rows("Changed since", yellow, rows)
	if !w.ValidUntil.IsZero() {
		r.out.wrapped(2, "needs no repository until "+when(w.ValidUntil)+" UTC")
	}
}

// windowText says how long files will be exchanged, and what of it is staged.
func (r *run) windowText(p *updater.Plan) {
	if w := p.Prepared; w != nil {
		r.out.gap()
		text := fmt.Sprintf("Prepared on %s: %s staged", when(w.Created), count(w.Kept, "path"))
		if w.Level != p.To.Level {
			text += fmt.Sprintf(", from what was prepared for level %d", w.Level)
		}
		r.out.wrapped(0, text)
		var rows []row
		for _, path := range w.Anew {
			rows = append(rows, row{"~", manifest.Path(path).String(), ""})
		}
		r.rows("Not as prepared, staged anew", yellow, rows)
	}
	if w := p.Window; w != nil {
		r.out.gap()
		text := "Window: " + about(w.MS)
		switch w.Runs {
		case 0:
			text += ", by the number of paths alone"
		case 1:
			text += ", as the last run took"
		default:
			text += fmt.Sprintf(", as the last %d runs took", w.Runs)
		}
		r.out.wrapped(0, text)
	}
}

// about is a duration that is guessed.
func about(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 100*time.Millisecond:
		return "less than 0.1 s"
	case d < 10*time.Second:
		return fmt.Sprintf("about %.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("about %.0f s", d.Seconds())
	}
	return fmt.Sprintf("about %.0f min", d.Minutes())
}
