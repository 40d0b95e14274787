package updater

import (
	"context"
	"time"

	"inplace/manifest"
)

// Check is what an installation could be updated to, for monitoring.
type Check struct {
	Product   string     `json:"product"`
	Installed Release    `json:"installed"`
	Channel   string     `json:"channel"`
	Source    string     `json:"source"`
	Newest    *Release   `json:"newest,omitempty"`    // that an update goes to; nil: nothing to do
	Fixes     []FixCount `json:"fixes"`               // of all levels on the way, the worst first
	Withdrawn string     `json:"withdrawn,omitempty"` // why the vendor has withdrawn the installed level
	Expires   time.Time  `json:"expires"`             // when the metadata must have been signed again

	Subscription *Subscribed `json:"subscription,omitempty"` // nil: the channel is open to anybody, or there is none that holds
}

// FixCount is how many fixes are of a kind and severity.
type FixCount struct {
	Kind     string `json:"kind"`
	Severity string `json:"severity,omitempty"`
	Count    int    `json:"count"`
}

// Check asks the source whether there is an update. It writes nothing in the installation
// and reads little of it. Errors as of [Updater.DryRun]; with a
// *[SubscriptionError] comes what is known all the same.
func (u *Updater) Check(ctx context.Context) (*Check, error) {
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	r, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	if err := u.during(PhaseMetadata, func() error { return u.connect(ctx) }); err != nil {
		return nil, err
	}
	list, err := releasesOf(u.client, u.channel())
	if err != nil {
		return nil, err
	}
	out := &Check{Product: r.Product, Installed: r.release(), Channel: u.channel(), Source: u.client.Source(),
		Fixes: []FixCount{}, Expires: u.client.State().Expires(u.channel()), Withdrawn: u.client.Withdrawn(r.Level)}
	if err := u.entitle(ctx, r.Product); err != nil {
		return out, err
	}
	out.Subscription = u.subscription
	t := &target{}
	if err := u.pick(ctx, t, r.Level, list); err != nil || t.manifest == nil {
		return out, err
	}
	if err := u.passed(ctx, t, r.Level, list); err != nil {
		return out, err
	}
	to := t.release()
	out.Newest = &to
	out.Fixes = CountFixes(t.fixes())
	return out, nil
}

// CountFixes counts fixes in the order in which they come.
func CountFixes(fixes []manifest.Fix) []FixCount {
	out := []FixCount{}
	at := map[FixCount]int{}
	for _, f := range fixes {
		key := FixCount{Kind: f.Kind, Severity: f.Severity}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, key)
		}
		out[i].Count++
	}
	return out
}
