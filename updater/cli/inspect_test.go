package cli

import (
	"context"

	"inplace/updater"
)

// inspection is the part of a [fakeEngine] that looks at files.
type inspection struct {
	verify *updater.Verification
	fix    *updater.Outcome
	failed error
}

func (i *inspection) Summary(string) (*updater.Summary, error) { return nil, i.failed }

func (i *inspection) Verify(context.Context, updater.VerifyOptions) (*updater.Verification, error) {
	return i.verify, i.failed
}

func (i *inspection) DryFix(context.Context, updater.VerifyOptions) (*updater.Plan, error) {
	return nil, i.failed
}

func (i *inspection) Fix(context.Context, updater.VerifyOptions) (*updater.Outcome, error) {
	return i.fix, i.failed
}

func (i *inspection) Diff(context.Context, updater.DiffOptions) (*updater.Diff, error) {
	return nil, i.failed
}

func (i *inspection) DiffLevels(context.Context, *int64, int64, updater.DiffOptions) (*updater.Diff, error) {
	return nil, i.failed
}
