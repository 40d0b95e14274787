package cli

import (
	"io"
	"time"

	"inplace/updater"
)

// reporter passes on what happens while a run works: to people on stderr, to --events as
// lines of JSON, and to the log. What cannot be written is not worth failing for: the
// files of the installation count, not who watches. It is said once.
//
// On a terminal one line shows the phase, and is drawn anew at most some ten times a
// second, never wider than the terminal, and cleared before anything else is said. Where
// there is none, or a dumb one, each phase is one plain line.
type reporter struct {
	r   *run
	tty bool
	log *runLog

	events io.Writer
	closer io.Closer
	broken bool      // --events cannot be written any more
	sent   time.Time // when the last progress went there

	phase updater.Phase // that is shown
	pace  pace
	shown bool      // a progress line stands on the terminal
	drawn time.Time // when
}

// redraw is how often progress is shown and sent at most.
const redraw = 100 * time.Millisecond

// phaseNames are what people read.
func phaseName(p updater.Phase) string {
	switch p {
	case updater.PhaseRecover:
		return "mending an interrupted run"
	case updater.PhaseMetadata:
		return "reading the repository"
	case updater.PhasePlan:
		return "comparing"
	case updater.PhaseVerify:
		return "verifying"
	case updater.PhaseBackup:
		return "copying"
	case updater.PhaseStage:
		return "fetching and checking"
	case updater.PhaseStop:
		return "stopping the product"
	case updater.PhaseStart:
		return "starting the product"
	case updater.PhaseHealth:
		return "watching the product"
	case updater.PhaseCheck:
		return "checking that nothing runs"
	case updater.PhaseCommit:
		return "putting in place"
	case updater.PhaseRollback:
		return "going back"
	case updater.PhasePack:
		return "packing"
	case updater.PhaseFetch:
		return "fetching"
	case updater.PhaseFinish:
		return "finishing"
	}
	return string(p)
}

// unitOf is what the progress of a phase counts, "" where that is not always the same.
func unitOf(p updater.Phase) string {
	switch p {
	case updater.PhaseStage, updater.PhasePack, updater.PhaseFetch:
		return unitBytes
	case updater.PhaseCommit:
		return unitPaths
	}
	return ""
}

// Units of progress.
const (
	unitBytes = "bytes"
	unitPaths = "paths"
)

func newReporter(r *run) *reporter {
	return &reporter{r: r, tty: isTerminal(r.env.Stderr) && !r.dumb(), log: newRunLog(r)}
}

// report is the updater.Reporter of the run.
func (p *reporter) report(e updater.Event) {
	e.Text = p.r.masked(e.Text)
	p.log.event(e)
	p.send(event{Event: e, Unit: unitOf(e.Phase)})
	if p.r.quiet {
		return
	}
	switch e.Kind {
	case "note":
		p.say("%s", e.Text)
	case "begin":
		p.enter(e.Phase)
	case "progress":
		if e.Phase != p.phase {
			p.enter(e.Phase)
		}
		if e.Total > 0 {
			p.progress(e)
		}
	}
}

// bytes reports progress of work that is not the engine's.
func (p *reporter) bytes(phase updater.Phase) func(done, total int64) {
	tell := func(kind string, done, total int64) {
		p.report(updater.Event{Time: p.r.env.Now(), Phase: phase, Kind: kind, Done: done, Total: total})
	}
	begun, ended := false, false
	return func(done, total int64) {
		if !begun {
			begun = true
			tell("begin", 0, 0)
		}
		tell("progress", done, total)
		if done >= total && !ended {
			ended = true
			tell("end", 0, 0)
		}
	}
}

// enter shows that a phase begins.
func (p *reporter) enter(phase updater.Phase) {
	again := phase == p.phase
	p.phase, p.pace = phase, pace{}
	switch {
	case p.tty:
		p.draw(p.r.env.Now(), fit(p.width(), phaseName(phase)+" ..."))
	case !again:
		p.say("%s ...", phaseName(phase))
	}
}

// progress draws the line of the phase anew, on a terminal and if it is time.
func (p *reporter) progress(e updater.Event) {
	now := p.r.env.Now()
	rate, left := p.pace.at(now, e.Done, e.Total)
	if p.tty && now.Sub(p.drawn) >= redraw {
		p.draw(now, progressLine(p.width(), phaseName(e.Phase), unitOf(e.Phase), e.Done, e.Total, rate, left))
	}
}

func (p *reporter) draw(now time.Time, text string) {
	p.drawn, p.shown = now, true
	_, _ = io.WriteString(p.r.env.Stderr, "\r\x1b[K"+text) // progress; nobody is left to be told
}

// width is the room for a progress line: the last column stays free, or some terminals
// go on in the next line.
func (p *reporter) width() int { return widthOf(p.r.env.Stderr, defaultWidth) - 1 }

// say writes a line on stderr.
func (p *reporter) say(format string, args ...any) {
	p.clear()
	out := newPrinter(p.r.env.Stderr, false)
	out.sentence(out.text(format, args...), p.r.name)
	_ = out.flush(p.r.env.Stderr) // progress; nobody is left to be told
}

// warn says something that is wrong and does not fail the run, unless -q.
func (p *reporter) warn(format string, args ...any) {
	if !p.r.quiet {
		p.say("warning: "+format, args...)
	}
}

// clear takes the progress line off the terminal.
func (p *reporter) clear() {
	if p.shown {
		_, _ = io.WriteString(p.r.env.Stderr, "\r\x1b[K")
		p.shown = false
	}
}

// close ends the reports of a run that ended as v says.
func (p *reporter) close(v verdict) {
	p.clear()
	p.outcome(v)
	p.log.close(v)
}
