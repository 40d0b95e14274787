package updater

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/running"
	"inplace/updater/service"
	"inplace/updater/settings"
)

// What the product's commands print is appended to serviceLog. Above maxServiceLog bytes it
// is put beside, in place of the one that was put there before.
const (
	serviceLog    = "updates/logs/service.log"
	maxServiceLog = 1 << 20
)

// product is the running side of an installation, as the settings describe it. Its commands
// and probes are asked by runs that change something; who only looks never runs one.
type product struct {
	u      *Updater
	svc    service.Service
	health service.Health
	before service.Baseline
	halted bool // this run has stopped it and nobody has started it since
}

// product is made when it is asked for first.
func (u *Updater) product() *product {
	if u.running != nil {
		return u.running
	}
	s, h := u.settings.Service, u.settings.Health
	p := &product{u: u, svc: service.Service{Dir: u.tree.Path(),
		Commands: service.Commands{Stop: s.Stop, Start: s.Start, Status: s.Status, PIDFile: s.PIDFile, Timeout: s.Timeout}}}
	p.health = service.Health{Watch: h.Watch, Every: h.Every}
	for _, q := range h.Probes {
		p.health.Probes = append(p.health.Probes, probeOf(q))
	}
	u.running = p
	return p
}

func probeOf(q settings.Probe) service.Probe {
	p := service.Probe{HTTP: q.HTTP, Status: q.Status, TCP: q.TCP, Log: q.Log, Command: q.Command, Timeout: q.Timeout, Retries: q.Retries}
	if q.Body != "" {
		p.Body = regexp.MustCompile(q.Body) // as the settings have checked it
	}
	if q.Match != "" {
		p.Match = regexp.MustCompile(q.Match)
	}
	return p
}

// stops reports whether a run stops the product by itself, and starts it again.
func (u *Updater) stops() bool { return len(u.settings.Service.Stop) > 0 }

// telling reports whether the settings say how to ask if the product runs.
func (p *product) telling() bool { return len(p.svc.Status) > 0 || p.svc.PIDFile != "" }

// judged reports whether the product is watched after its start: if there is anything to
// ask, and the run does not forbid it.
func (p *product) judged() bool {
	return !p.u.opt.NoHealth && (p.telling() || len(p.health.Probes) > 0)
}

func (p *product) close() {
	if p != nil && p.svc.Output != nil {
		_ = p.svc.Output.Close()
	}
}

// record makes what the commands print go to [serviceLog], with a line that says what comes. A
// log that cannot be written keeps nobody from stopping or starting.
func (p *product) record(what string) {
	u := p.u
	if p.svc.Output == nil {
		err := u.tree.MkdirAll(logsDir, 0o700)
		if info, e := u.tree.Lstat(serviceLog); e == nil && info.Exists && info.Size > maxServiceLog && err == nil {
			err = u.tree.In(serviceLog, func(d *fsys.Dir, name string) error { return d.Rename(name, d, name+".1") })
		}
		if err == nil {
			p.svc.Output, err = u.tree.OpenAppend(serviceLog, 0o600)
		}
		if err != nil {
			u.event(PhaseStop, "note", "what the product's commands print is lost: "+err.Error(), 0, 0)
			return
		}
	}
	_, _ = fmt.Fprintf(p.svc.Output, "--- %s %s\n", u.opt.Now().UTC().Format(time.RFC3339), what)
}

// state says whether the product runs: as its status command or pid file tells, and where
// neither is set, as far as processes can be seen.
func (p *product) state(ctx context.Context) (service.State, error) {
	state, err := p.svc.State(ctx)
	if p.telling() || err != nil {
		return state, err
	}
	if p.halted {
		return service.Down, nil
	}
	report, err := p.u.users()
	switch {
	case err != nil:
		return service.Unknown, err
	case len(report.Processes) > 0:
		return service.Up, nil
	case report.Blind() == "":
		return service.Down, nil
	}
	return service.Unknown, nil
}

// stop stops the product and waits until it is said to be down. Errors: *[ServiceError].
func (p *product) stop(ctx context.Context) error {
	return p.u.during(PhaseStop, func() error {
		p.record("stop")
		if err := p.svc.StopNow(ctx); err != nil {
			return serviceError("stop", err)
		}
		p.halted = true
		return nil
	})
}

// start starts the product, unless it is said to run, whatever becomes of the run's context: what is half
// started is worse than what is late. Errors: *[ServiceError].
func (p *product) start() error {
	if len(p.svc.Start) == 0 {
		return &ServiceError{Doing: "start", Err: errors.New("the settings have no start command any more")}
	}
	ctx := context.Background()
	if state, _ := p.state(ctx); state == service.Up {
		return nil
	}
	return p.u.during(PhaseStart, func() error {
		p.record("start")
		p.halted = false
		return serviceError("start", p.svc.StartNow(ctx))
	})
}

// standStill stops the product before its files are exchanged back, unless it stands
// still. Errors: *[ServiceError], *[RunningError].
func (p *product) standStill() error {
	if p.u.opt.guard || p.halted {
		return nil
	}
	ctx := context.Background()
	state, _ := p.state(ctx)
	report, err := p.u.users()
	if p.telling() && state == service.Down && (err != nil || len(report.Processes) == 0) {
		return nil
	}
	if len(p.svc.Stop) == 0 {
		return &ServiceError{Doing: "stop", Err: errors.New("the settings have no stop command any more, and the product runs")}
	}
	if err := p.stop(ctx); err != nil {
		if state, _ = p.state(ctx); state == service.Up {
			return err
		}
	}
	return p.u.idle()
}

// idle waits until no process uses the product that this run has stopped, as long as its
// timeout says. Errors: *[RunningError].
func (u *Updater) idle() error {
	for begun := time.Now(); ; time.Sleep(idleEvery) {
		err := u.notRunning()
		var busy *RunningError
		if !errors.As(err, &busy) || time.Since(begun) >= u.settings.Service.Timeout {
			return err
		}
	}
}

// idleEvery is how often is looked whether the last process of the product has ended.
const idleEvery = 100 * time.Millisecond

// notRunning refuses while somebody runs the product, unless told to go on.
func (u *Updater) notRunning() error {
	if u.opt.AllowRunning {
		return nil
	}
	report, err := u.users()
	if err != nil {
		return err
	}
	if len(report.Processes) > 0 {
		return &RunningError{report}
	}
	if blind := report.Blind(); blind != "" && !u.blindTold {
		u.blindTold = true
		u.event(PhaseCheck, "note", blind, 0, 0)
	}
	return nil
}

// tail is what the product, or else its start command, has written last, for who has to
// find out why it is not well; from is the file that it is of.
func (p *product) tail(why error) (from, lines string) {
	if from, lines = p.svc.Tail(&p.health, p.before); lines != "" {
		return from, lines
	}
	var failed *service.CommandError
	if errors.As(why, &failed) {
		return serviceLog, failed.Output
	}
	return serviceLog, p.svc.Printed()
}

// users lists the processes that use the installation. What the installed release calls data
// or ignore does not count, nor does what is the updater's.
func (u *Updater) users() (running.Report, error) {
	if u.rules == nil {
		rules := manifest.Rules{} // of a record that cannot be read: every file counts
		if data, err := u.tree.ReadState(manifestPath, maxManifestBytes); err == nil {
			if m, err := manifest.Parse(manifestPath, data); err == nil {
				rules = m.Rules
			}
		}
		var err error
		if u.rules, err = rules.Compile(); err != nil {
			return running.Report{}, err
		}
	}
	also := map[string]string{}
	for _, p := range u.tree.Followed() {
		also[p] = u.tree.RealPath(p)
	}
	return running.Find(u.tree.Path(), running.Options{Also: also, Skip: func(rel string) bool {
		if strings.HasPrefix(rel, backup.SnapshotsDir+"/") || u.isStore(rel) {
			return false // what the product uses since before an update that did not wait for it
		}
		c := u.rules.Class(manifest.Path(rel))
		return c == manifest.Data || c == manifest.Ignore || manifest.IsState(manifest.Path(rel)) || u.isUpdater(rel)
	}})
}

// isUpdater reports whether rel is one of this program's own files. Who uses them is
// another run, which the lock keeps apart, and not the product.
func (u *Updater) isUpdater(rel string) bool {
	name, ok := strings.CutPrefix(rel, "bin/")
	if !ok {
		return false
	}
	launcher := u.settings.Launcher
	return name == "inplace" || name == "inplace.exe" || strings.HasPrefix(name, "inplace-") || name == launcher+".sh" || name == launcher+".cmd"
}
