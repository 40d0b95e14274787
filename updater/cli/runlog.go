package cli

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"inplace/updater"
	"inplace/updater/logs"
	"inplace/updater/mask"
)

// runLog is the log of the run below updates/logs. It is written only where the run may
// change the installation: a command that looks leaves none, unless it mends something on
// the way.
type runLog struct {
	r      *run
	log    *logs.Log
	begun  time.Time
	phases map[updater.Phase]time.Time
}

func newRunLog(r *run) *runLog {
	return &runLog{r: r, log: logs.New(r.env.Now, r.masked), phases: map[updater.Phase]time.Time{}}
}

// begin logs the command line.
func (l *runLog) begin() {
	l.begun = l.r.env.Now()
	l.log.Add(slog.LevelInfo, "begin", "command", l.r.command, "program", l.r.called, "args", mask.Args(l.r.args, l.r.known()...), "version", l.r.env.Version)
}

// event logs phases and what is noted.
func (l *runLog) event(e updater.Event) {
	switch e.Kind {
	case "begin":
		l.phases[e.Phase] = e.Time
		l.log.Add(slog.LevelInfo, "phase begins", "phase", string(e.Phase))
		if e.Phase == updater.PhaseRecover {
			l.open()
		}
	case "end":
		l.log.Add(slog.LevelInfo, "phase ends", "phase", string(e.Phase), "ms", e.Time.Sub(l.phases[e.Phase]).Milliseconds())
	case "note":
		l.log.Add(slog.LevelWarn, e.Text, "phase", string(e.Phase))
	}
}

// open begins to write.
func (l *runLog) open() {
	if l.r.homeDir != "" && l.r.env.open == nil { // an engine of a test has no installation
		name := l.r.command
		if l.r.handover != nil { // the older updater has written one, as the same process
			name += "-renewed"
		}
		l.log.Open(l.r.homeDir, name)
	}
}

// close logs how the run ended.
func (l *runLog) close(v verdict) {
	if l.r.command == cmdAdopt && v.exit == ExitOK {
		l.open() // before, there was no place for it
	}
	if o := l.r.doc.Outcome; o != nil {
		var planned []string
		if l.r.doc.Plan != nil {
			planned = l.r.doc.Plan.Warnings
		}
		for _, w := range slices.Concat(planned, o.Warnings) {
			l.log.Add(slog.LevelWarn, w)
		}
		if o.Snapshot != "" {
			l.log.Add(slog.LevelInfo, "done", "snapshot", o.Snapshot, "window_ms", o.WindowNS.Milliseconds())
		}
	}
	if v.text != "" {
		l.log.Add(slog.LevelError, v.text, "hint", strings.Join(v.hints, "\n"), "state", v.state)
	}
	l.log.Add(slog.LevelInfo, "end", "exit", v.exit, "ms", l.r.env.Now().Sub(l.begun).Milliseconds())
	l.log.Close()
	if err := l.log.Err(); err != nil {
		l.r.reporter.warn("no log of this run, or not all of it: %v", err)
	}
}
