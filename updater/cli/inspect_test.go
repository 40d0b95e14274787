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

func (i *inspection) Verify(context.Context, updater.VerifyOptions) (*updater.Verification, error) {
	return i.verify, i.failed
}

func (i *inspection) DryFix(context.Context, updater.VerifyOptions) (*updater.Plan, error) {
	return nil, i.failed
}

func (i *inspection) Fix(context.Context, updater.VerifyOptions) (*updater.Outcome, error) {
	return i.fix, i.failed
}
