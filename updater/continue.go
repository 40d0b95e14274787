package updater

import (
	"cmp"
	"context"
	"errors"

	"inplace/updater/conflict"
)

// Continue goes on with the run that the open workspace is for: it plans anew, with what
// was decided, and does all that Update does; for a run that was to prepare it prepares. With nothing open the outcome has no plan.
func (u *Updater) Continue(ctx context.Context) (*Outcome, error) {
	in, out, release, err := u.start(ctx, readDeclared)
	if err != nil {
		return out, err
	}
	defer release()
	if err := u.openWorkspace(&in.record, false); err != nil || u.ws == nil {
		return out, err
	}
	asked := u.ws.rec.Asked
	u.opt.Source, u.opt.Channel = asked.Source, asked.Channel
	u.opt.Level, u.opt.HasLevel = asked.Level, asked.HasLevel
	u.opt.Prepare = asked.Prepare
	err = u.update(ctx, in, out)
	if left := (*ConflictError)(nil); errors.As(err, &left) {
		u.markersLeft(left.Conflicts)
	}
	return out, err
}

// markersLeft tells whoever goes on where markers are that nobody has touched.
func (u *Updater) markersLeft(list []ConflictOf) {
	for i := range list {
		c := &list[i]
		for _, w := range c.Places {
			for n := range u.ws.files {
				if f := &u.ws.files[n]; f.Path == conflict.Name(c.Path) && w.Line > 0 && !w.Resolved {
					c.Fault = cmp.Or(c.Fault, w.markerLeft(f))
				}
			}
		}
	}
}

// Aborted is what Abort did.
type Aborted struct {
	Open     int           `json:"open"`               // conflicts that were thrown away
	Resolved int           `json:"resolved"`           // decisions that were
	Prepared *PreparedInfo `json:"prepared,omitempty"` // what waited prepared
	Recovery *Recovery     `json:"recovery,omitempty"`
}

// Abort throws away what waits for a later run: the workspace, with what was decided in
// it and not applied, and what is prepared. Nothing live changes; with nothing open there is
// nothing to do. A record that cannot be believed goes too.
func (u *Updater) Abort(ctx context.Context) (*Aborted, error) {
	release, rec, err := u.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	out := &Aborted{Recovery: rec}
	in, err := readRecord(u.tree)
	if err != nil {
		return out, err
	}
	if err := u.openWorkspace(in, false); err == nil {
		out.Open, out.Resolved = countWaiting(u.waiting())
	}
	if err := conflict.Close(u.tree); err != nil {
		return out, err
	}
	out.Prepared, err = u.abortPrepared()
	return out, err
}

// nothingLeft ends a run that found nothing to go to. Conflicts that waited on the way
// there wait no longer.
func (u *Updater) nothingLeft(out *Outcome) error {
	if u.ws == nil {
		return nil
	}
	out.Warnings = append(out.Warnings, "the release that the open conflicts were about is not offered any more; they are closed")
	var errs []error
	for _, r := range u.ws.resolved {
		errs = append(errs, u.keepResolution(r))
	}
	return errors.Join(append(errs, conflict.Close(u.tree))...)
}
