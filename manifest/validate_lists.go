package manifest

import (
	"maps"
	"slices"

	"inplace/manifest/strictyaml"
)

// renames checks the list of renames: good paths, each renamed once and to one
// place, and no path on both sides.
func (v *validator) renames(list []Rename) {
	from := make(map[string]int, len(list))
	to := make(map[string]int, len(list))
	for i, r := range list {
		at := strictyaml.Index("renames", i)
		v.renamed(at+".from", r.From, from, i)
		v.renamed(at+".to", r.To, to, i)
	}
	for i, r := range list {
		if j, ok := from[r.To.Fold()]; ok {
			v.fault(strictyaml.Index("renames", i)+".to",
				"%s: want a path that is not renamed itself, got that of renames[%d].from", r.To, j)
		}
	}
}

// renamed checks one side of a rename against the same side of those before.
func (v *validator) renamed(at string, p Path, seen map[string]int, i int) {
	if msg := pathMessage(string(p)); msg != "" {
		v.fault(at, "%s", msg)
		return
	}
	if j, ok := seen[p.Fold()]; ok {
		v.fault(at, "%s: want each path once, got that of renames[%d] again", p, j)
		return
	}
	seen[p.Fold()] = i
}

func (v *validator) migrations(list []Migration) {
	for i, m := range list {
		at := strictyaml.Index("migrations", i)
		v.keyRef(at+".from", m.From)
		if m.To != nil {
			v.keyRef(at+".to", *m.To)
			if *m.To == m.From && len(m.Map) == 0 {
				v.fault(at+".to", "want another key than from, or a map of values")
			}
		} else if len(m.Map) > 0 {
			v.fault(at+".map", "want a key it goes to, got none")
		}
		for _, old := range slices.Sorted(maps.Keys(m.Map)) {
			v.text(strictyaml.Key(at+".map", old), m.Map[old], maxLine, "")
		}
		v.text(at+".message", m.Message, maxLine, "")
	}
}

func (v *validator) keyRef(at string, k KeyRef) {
	if msg := pathMessage(string(k.Path)); msg != "" {
		v.fault(at+".path", "%s", msg)
	}
	v.line(at+".key", k.Key)
}

func (v *validator) irreversible(r *Irreversible) {
	if r == nil {
		return
	}
	if r.After != "start" {
		v.fault("irreversible.after", "want start, got %q", printableCut(r.After))
	}
	v.line("irreversible.reason", r.Reason)
}

func (v *validator) fixes(list []Fix) {
	seen := make(map[string]int, len(list))
	for i, f := range list {
		at := strictyaml.Index("fixes", i)
		v.line(at+".id", f.ID)
		if j, ok := seen[f.ID]; ok {
			v.fault(at+".id", "want each fix once, got %q again, first as fixes[%d]", printableCut(f.ID), j)
		} else {
			seen[f.ID] = i
		}
		switch f.Kind {
		case "bug", "security", "improvement":
		default:
			v.fault(at+".kind", "want bug, security or improvement, got %q", printableCut(f.Kind))
		}
		switch f.Severity {
		case "", "critical", "high", "medium", "low":
		default:
			v.fault(at+".severity", "want critical, high, medium, low or none, got %q", printableCut(f.Severity))
		}
		v.line(at+".summary", f.Summary)
	}
}

func (v *validator) derived(list []Derived) {
	for i, d := range list {
		at := strictyaml.Index("derived", i)
		where, msg := d.fault()
		if msg != "" {
			v.fault(at+"."+where, "%s", msg)
		}
	}
}
