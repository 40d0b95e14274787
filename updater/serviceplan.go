package updater

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"inplace/manifest"
)

// ServicePlan says how a run will stop the product and start it again, if it runs.
type ServicePlan struct {
	Stop    []string      `json:"stop"`
	Start   []string      `json:"start"`
	Timeout time.Duration `json:"timeout_ns"`
	Told    bool          `json:"told"`     // whether it runs can be asked; else it is taken to run
	Watch   time.Duration `json:"watch_ns"` // 0: it is not watched after the start
	Probes  []string      `json:"probes"`   // what is asked then, beside whether it runs
}

// checkService finds what of the settings cannot work, before anything is stopped. It runs
// nothing. What an update brings or takes away counts.
func (u *Updater) checkService(p *Plan) {
	run := u.product()
	type command struct {
		key  string
		argv []string
	}
	list := []command{{"service.stop", run.svc.Stop}, {"service.start", run.svc.Start}, {"service.status", run.svc.Status}}
	for i := range run.health.Probes {
		list = append(list, command{fmt.Sprintf("health.probes[%d].command", i), run.health.Probes[i].Command})
	}
	for _, c := range list {
		if len(c.argv) == 0 {
			continue
		}
		err := run.svc.Check(c.argv)
		step := p.stepOf(u.tree.Path(), run.svc.Program(c.argv[0]))
		switch {
		case step != nil && step.Result.Kind == manifest.Absent && c.key != "service.stop":
			err = errors.New("is removed by this update")
		case step != nil && step.Action == Add && errors.Is(err, fs.ErrNotExist) && c.key == "service.start":
			err = nil
		}
		if err != nil {
			p.Findings = append(p.Findings, Finding{Path: settingsPath, Reason: fmt.Sprintf("%s: %s: %v", c.key, manifest.Path(c.argv[0]), err),
				Hint: "name a program that is there and may be executed, in " + settingsPath})
		}
	}
	if !u.stops() {
		if len(run.health.Probes) > 0 {
			p.Warnings = append(p.Warnings, "the probes of the settings are not asked: without service.stop and service.start nothing is started that could be watched")
		}
		return
	}
	p.Service = u.servicePlan()
}

// servicePlan is what the settings say; nil where the product is not stopped.
func (u *Updater) servicePlan() *ServicePlan {
	if !u.stops() {
		return nil
	}
	run := u.product()
	s := &ServicePlan{Stop: run.svc.Stop, Start: run.svc.Start, Timeout: run.svc.Timeout, Probes: []string{}, Told: run.telling()}
	if run.judged() {
		s.Watch = run.health.Watch
		for i := range run.health.Probes {
			s.Probes = append(s.Probes, run.health.Probes[i].String())
		}
	}
	return s
}

// stepOf is the step of the plan that changes the file at an absolute path, or nil.
func (p *Plan) stepOf(home, file string) *Step {
	rel, err := filepath.Rel(home, file)
	if err != nil || !filepath.IsAbs(file) {
		return nil
	}
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Path == manifest.Path(filepath.ToSlash(rel)) && s.Action.Changes() })
	if i < 0 {
		return nil
	}
	return &p.Steps[i]
}
