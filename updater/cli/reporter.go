package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"inplace/updater"
)

// EventSchema is the form of a line of --events.
const EventSchema = "inplace/event/1"

// reporter passes on what the engine tells while it works: to people on stderr, and
// as lines of JSON where --events says. What cannot be written is not worth failing
// for; it is said once.
type reporter struct {
	r      *run
	tty    bool
	events io.Writer
	closer io.Closer
	broken bool
	shown  bool      // a progress line stands on the terminal
	drawn  time.Time // when
}

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
	case updater.PhaseStage:
		return "fetching and checking"
	case updater.PhaseCheck:
		return "checking that nothing runs"
	case updater.PhaseCommit:
		return "putting in place"
	case updater.PhaseRollback:
		return "going back"
	case updater.PhasePack:
		return "packing"
	case updater.PhaseFinish:
		return "finishing"
	}
	return string(p)
}

func newReporter(r *run) *reporter {
	return &reporter{r: r, tty: isTerminal(r.env.Stderr)}
}

// open prepares for --events. A file is appended to and never truncated.
func (p *reporter) open(target string) error {
	switch target {
	case "":
		return nil
	case "-":
		if p.r.json {
			return usage("--events - and --json both want standard output", "give --events a file")
		}
		p.events = p.r.env.Stdout
		p.r.resultsTo = p.r.env.Stderr
		return nil
	}
	f, err := await(p.r.ctx, func() (*os.File, error) { // a pipe waits for its reader
		return os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	})
	if p.r.ctx.Err() != nil {
		return p.r.ctx.Err()
	}
	if err != nil {
		return usage("--events: "+err.Error(), "name a file that can be written")
	}
	p.events, p.closer = f, f
	return nil
}

// event is a line of --events.
type event struct {
	Schema string `json:"schema"`
	updater.Event
}

// report is the updater.Reporter of the run.
func (p *reporter) report(e updater.Event) {
	if p.events != nil && !p.broken {
		line, err := json.Marshal(event{EventSchema, e})
		if err == nil {
			_, err = p.events.Write(append(line, '\n'))
		}
		if err != nil {
			p.broken = true
			p.say("warning: --events: %v", err)
		}
	}
	if p.r.quiet {
		return
	}
	switch e.Kind {
	case "note":
		p.say("%s", e.Text)
	case "begin":
		p.progress(phaseName(e.Phase)+" ...", true)
	case "progress":
		if e.Total > 0 {
			p.progress(phaseName(e.Phase)+" "+bar(e.Done, e.Total), false)
		}
	}
}

// barWidth is the length of a progress bar.
const barWidth = 24

// bar shows how much of total is done.
func bar(done, total int64) string {
	done = min(max(done, 0), total)
	full := int(done * barWidth / total)
	return fmt.Sprintf("[%s%s] %3d%%", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), done*100/total)
}

// bytes reports progress of work that is not the engine's.
func (p *reporter) bytes(phase updater.Phase) func(done, total int64) {
	return func(done, total int64) {
		p.report(updater.Event{Time: p.r.env.Now(), Phase: phase, Kind: "progress", Done: done, Total: total})
	}
}

// progress shows text in place of the last progress line; on what is no terminal
// only with -v, and only where a phase begins.
func (p *reporter) progress(text string, begin bool) {
	if !p.tty {
		if begin && p.r.verbose {
			p.say("%s", text)
		}
		return
	}
	now := p.r.env.Now()
	if !begin && now.Sub(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprintf(p.r.env.Stderr, "\r\x1b[K%s", clean(text))
}

// say writes a line on stderr.
func (p *reporter) say(format string, args ...any) {
	p.clear()
	out := newPrinter(p.r.env.Stderr, false)
	out.line(format, args...)
	_ = out.flush(p.r.env.Stderr) // progress; nobody is left to be told
}

// clear takes the progress line off the terminal.
func (p *reporter) clear() {
	if p.shown {
		fmt.Fprint(p.r.env.Stderr, "\r\x1b[K")
		p.shown = false
	}
}

func (p *reporter) close() {
	p.clear()
	if p.closer != nil {
		if err := p.closer.Close(); err != nil && !p.broken {
			p.say("warning: --events: %v", err)
		}
		p.closer = nil
	}
}
