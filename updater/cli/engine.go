package cli

import (
	"context"

	"inplace/manifest"
	"inplace/updater"
)

// engine is what the commands use of an installation. It is an interface so that
// tests can show every outcome of a run, also those that are hard to bring about.
type engine interface {
	DryRun(context.Context) (*updater.Plan, error)
	DryRevert(context.Context) (*updater.Plan, error)
	Update(context.Context) (*updater.Outcome, error)
	Revert(context.Context) (*updater.Outcome, error)
	Status(context.Context) (*updater.Status, error)
	Check(context.Context) (*updater.Check, error)
	Subscription(context.Context) (*updater.ShownSubscription, error)
	Pack(ctx context.Context, to string, edits bool) (*updater.Packed, error)
	Fetch(context.Context, updater.FetchOptions) (*updater.Fetched, error)
	History() ([]updater.HistoryEntry, error)
	Summary(id string) (*updater.Summary, error)
	Backups(context.Context) (*updater.Backups, error)
	VerifyBackups(context.Context) (*updater.Backups, error)
	PruneBackups(context.Context, updater.PruneOptions) (*updater.Backups, error)
	inspector
	resolver
	Close()
}

// resolver is what the commands about conflicts use.
type resolver interface {
	Continue(context.Context) (*updater.Outcome, error)
	Abort(context.Context) (*updater.Aborted, error)
	Workspace(context.Context) (*updater.Workspace, error)
	Resolve(context.Context, updater.ResolveOptions) (*updater.Workspace, error)
	Remembered() (*updater.Resolutions, error)
	Forget(ctx context.Context, what string) (*updater.Resolutions, error)
	Export() (*updater.Resolutions, []byte, error)
	Import(ctx context.Context, name string, data []byte) (*updater.Resolutions, error)
	Named(typed string) (manifest.Path, error)
}

// openEngine opens an installation.
func openEngine(opt updater.Options) (engine, error) {
	u, err := updater.Open(opt)
	if err != nil {
		return nil, err
	}
	return u, nil
}
