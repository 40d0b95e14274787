package updater

import (
	"fmt"
	"strings"

	"inplace/manifest"
)

// A one-way door is a release that cannot be left again once the product was started
// with it: its data have moved on, and the level before does not understand them any more. A run
// passes one only if that was asked for apart, and does not take itself back afterwards. The snapshot
// of such a run knows of the door, so that a revert asks again.

// OneWayAhead reports whether starting the product after this plan is what cannot be undone.
func (p *Plan) OneWayAhead() bool { return p.Irreversible != nil && !p.Behind }

// oneWay is the door that the given releases make together, or nil.
func oneWay(list []*manifest.Manifest) *manifest.Irreversible {
	var out *manifest.Irreversible
	var reasons []string
	for _, m := range list {
		if m.Irreversible != nil {
			out = m.Irreversible
			reasons = append(reasons, fmt.Sprintf("level %d: %s", m.Level, m.Irreversible.Reason))
		}
	}
	if len(reasons) > 1 {
		return &manifest.Irreversible{After: out.After, Reason: strings.Join(reasons, "; ")}
	}
	return out
}

// doors puts the one-way doors on the way of a revert into its plan.
func (w *wayBack) doors(p *Plan) {
	var reasons []string
	for _, k := range w.steps {
		if k.OneWay != "" {
			reasons = append(reasons, k.OneWay)
			p.Behind = k.From.Level < k.To.Level
		}
	}
	if len(reasons) > 0 {
		p.Irreversible = &manifest.Irreversible{After: "start", Reason: strings.Join(reasons, "; ")}
	}
}

// door is what the snapshot of a run by this plan says of the door that it passes.
func (p *Plan) door() string {
	if p.Irreversible == nil {
		return ""
	}
	return p.Irreversible.Reason
}

// askOneWay refuses a plan that leads through a one-way door, where nobody is there to be asked
// and nobody has said so beforehand.
func (u *Updater) askOneWay(p *Plan) {
	if p.Irreversible == nil || u.opt.OneWay || u.opt.Confirm != nil {
		return
	}
	f := Finding{Reason: "this cannot be undone: " + p.Irreversible.Reason, Hint: "if that is agreed, say so: --yes-irreversible", door: true}
	if p.Behind {
		f.Reason = "leads back through a one-way door: " + p.Irreversible.Reason
	}
	p.Findings = append(p.Findings, f)
}
