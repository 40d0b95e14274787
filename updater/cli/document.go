package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"inplace/backup"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater"
	"inplace/updater/mask"
)

// ResultSchema is the form of the document that --json prints. Fields are only
// added within a schema number; docs/schemas/result.json describes them.
const ResultSchema = "inplace/result/1"

// result is the document. What a command does not have is left out.
type result struct {
	Schema  string `json:"schema"`
	Command string `json:"command"`
	Exit    int    `json:"exit"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
	State   string `json:"state,omitempty"` // what the run has left behind, for people

	Plan        *updater.Plan                 `json:"plan,omitempty"`
	Outcome     *outcome                      `json:"outcome,omitempty"`
	Status      *updater.Status               `json:"status,omitempty"`
	History     []updater.HistoryEntry        `json:"history,omitzero"`
	Summary     *updater.Summary              `json:"summary,omitempty"` // of history ID
	Verify      *updater.Verification         `json:"verify,omitempty"`
	Diff        *updater.Diff                 `json:"diff,omitempty"`
	Support     *supported                    `json:"support,omitempty"`
	Adopted     *updater.Adopted              `json:"adopted,omitempty"`
	Candidates  []updater.Candidate           `json:"candidates,omitzero"`   // where adopt cannot tell
	Drift       []updater.PlanDrift           `json:"drift,omitzero"`        // what is not as an approved plan has it
	Processes   []process                     `json:"processes,omitzero"`    // of a running product
	Repository  *published                    `json:"repository,omitempty"`  // of release init
	Release     *released                     `json:"release,omitempty"`     // of release add
	Offered     *repository.Listing           `json:"offered,omitempty"`     // of release list
	Promoted    *repository.Promoted          `json:"promoted,omitempty"`    // of release promote
	Withdrawn   *repository.Withdrawn         `json:"withdrawn,omitempty"`   // of release withdraw
	Channel     *repository.ChannelSet        `json:"channel,omitempty"`     // of release channel
	Refreshed   *repository.Resigned          `json:"refreshed,omitempty"`   // of release refresh
	Updaters    *repository.PublishedUpdaters `json:"updaters,omitempty"`    // of release updater
	Refused     []refused                     `json:"refused,omitzero"`      // paths that cannot be released
	Merge       *mergedFile                   `json:"merge,omitempty"`       // of merge
	Pack        *updater.Packed               `json:"pack,omitempty"`        // of pack
	Fetched     *updater.Fetched              `json:"fetched,omitempty"`     // of fetch
	Backups     *updater.Backups              `json:"backups,omitempty"`     // of backups
	Workspace   *updater.Workspace            `json:"workspace,omitempty"`   // of resolve
	Resolutions *updater.Resolutions          `json:"resolutions,omitempty"` // of resolve, about what is remembered
	Aborted     *updater.Aborted              `json:"aborted,omitempty"`     // of --abort
	LastLines   *lastLines                    `json:"last_lines,omitempty"`  // where the product was not well, or could not be stopped or started
	Check       *updater.Check                `json:"check,omitempty"`       // of check
	Login       *loggedIn                     `json:"login,omitempty"`       // of login and logout
	Version     string                        `json:"version,omitempty"`

	Keys        *repository.KeyList     `json:"keys,omitempty"`         // of release keys list
	Signing     *repository.Signing     `json:"signing,omitempty"`      // of release sign, and with --export
	KeysChanged *repository.KeysChanged `json:"keys_changed,omitempty"` // of release keys add, rotate, revoke and threshold

	Shown         *updater.ShownSubscription `json:"shown_subscription,omitempty"` // of subscription show
	Subscription  *subscribed                `json:"subscription,omitempty"`       // of subscription issue, extend and revoke
	Token         string                     `json:"token,omitempty"`              // of subscription issue and extend, without -o
	Subscriptions []subscribed               `json:"subscriptions,omitzero"`       // of subscription list
}

// outcome is updater.Outcome without the plan, which stands beside it.
type outcome struct {
	Snapshot string              `json:"snapshot,omitempty"`
	Recovery *updater.Recovery   `json:"recovery,omitempty"`
	WindowNS time.Duration       `json:"window_ns"`
	Warnings []string            `json:"warnings"`
	Found    []backup.Found      `json:"found"`
	Copy     *updater.FullCopy   `json:"full_backup,omitempty"`
	Second   string              `json:"second_copy,omitempty"`
	Summary  string              `json:"summary,omitempty"`
	Prepared *updater.Prepared   `json:"prepared,omitempty"`
	Service  *updater.ServiceRun `json:"service,omitempty"`
}

// lastLines is what the product, or one of its commands, has written last, masked.
type lastLines struct {
	From string `json:"from"` // a file, or a command
	Text string `json:"text"`
}

type process struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
	Why  string `json:"why"`
	Path string `json:"path"`
}

type published struct {
	Fingerprint string   `json:"root_fingerprint"`
	Keys        []string `json:"keys"`
	PlainKeys   bool     `json:"plain_keys"`
}

type released struct {
	Product          string          `json:"product"`
	Version          string          `json:"version"`
	Level            int64           `json:"level"`
	Channel          string          `json:"channel"`
	Released         time.Time       `json:"released"`
	Manifest         manifest.Digest `json:"manifest"`
	Entries          int             `json:"entries"`
	Bytes            int64           `json:"bytes"`
	NewBlobs         int             `json:"new_blobs"`
	BytesStored      int64           `json:"bytes_stored"`
	AlreadyThere     bool            `json:"already_there"`
	NewChannel       bool            `json:"new_channel"`
	RecognisedConfig []manifest.Path `json:"recognised_config"`
	Warnings         []string        `json:"warnings"`
}

type refused struct {
	Path   manifest.Path `json:"path"`
	Reason string        `json:"reason"`
}

// writeDocument prints the document of the run.
func (r *run) writeDocument(v verdict) error {
	d := r.doc
	d.Schema, d.Command, d.Exit = ResultSchema, r.command, v.exit
	d.Error, d.Hint = v.text, strings.Join(v.hints, "\n")
	d.State = r.state
	if v.text != "" {
		d.State = v.state
	}
	e := json.NewEncoder(r.resultsTo)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// setPlan puts a plan into the document, with empty lists instead of null.
func (r *run) setPlan(plan *updater.Plan) {
	if plan == nil {
		return
	}
	p := *plan
	p.Steps = list(p.Steps)
	p.Conflicts = list(p.Conflicts)
	p.Fixes = list(p.Fixes)
	p.Instructions = list(p.Instructions)
	p.Findings = list(p.Findings)
	p.Warnings = list(p.Warnings)
	if p.Service != nil {
		p.Service = maskedService(p.Service)
	}
	r.doc.Plan = &p
}

// maskedService is s without secrets.
func maskedService(s *updater.ServicePlan) *updater.ServicePlan {
	m := *s
	m.Stop, m.Start, m.Probes = mask.Args(s.Stop), mask.Args(s.Start), each(s.Probes, maskWords)
	return &m
}

func each(l []string, fn func(string) string) []string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = fn(s)
	}
	return out
}

// masked is s without secrets.
func masked(s *updater.ServiceRun) *updater.ServiceRun {
	if s == nil {
		return nil
	}
	m := *s
	m.Skipped, m.Fault = each(s.Skipped, maskWords), maskWords(s.Fault)
	return &m
}

func (r *run) setOutcome(o *updater.Outcome) {
	if o == nil {
		return
	}
	r.setPlan(o.Plan)
	r.doc.Outcome = &outcome{o.Snapshot, o.Recovery, o.Window, list(o.Warnings), list(o.Found), o.Copy, o.Second, o.Summary, o.Prepared, masked(o.Service)}
}

// setError puts what an error knows beyond its text into the document.
func (r *run) setError(err error) {
	var (
		busy *updater.RunningError
		base *updater.BaseError
		bad  *repository.RefusedError
		gone *updater.PlanDriftError
	)
	if errors.As(err, &gone) {
		r.doc.Drift = gone.Drift
	}
	if errors.As(err, &busy) {
		for _, p := range busy.Report.Processes {
			r.doc.Processes = append(r.doc.Processes, process{p.PID, p.Name, p.Why, p.Path})
		}
	}
	if errors.As(err, &base) {
		r.doc.Candidates = base.Candidates
	}
	if errors.As(err, &bad) {
		for _, f := range bad.Faults {
			r.doc.Refused = append(r.doc.Refused, refused{f.Path, f.Reason})
		}
	}
}

// list is never nil, so that JSON has [] and not null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
