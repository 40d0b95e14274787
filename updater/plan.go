package updater

import (
	"fmt"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/merge"
	"inplace/updater/conflict"
)

// PlanSchema is the form of a plan as a document.
const PlanSchema = "inplace/plan/1"

// Action is what an update does with a path.
type Action string

// The actions. Those from Keep on change nothing.
const (
	Add      Action = "add"
	Replace  Action = "replace"
	Merge    Action = "merge"
	Remove   Action = "remove"
	Mode     Action = "mode"
	Clear    Action = "clear"    // what the product derived from a file that changes
	Keep     Action = "keep"     // the operator's, or outside what an update touches
	Deleted  Action = "deleted"  // stays deleted
	Same     Action = "same"     // there already, as the vendor ships it
	Conflict Action = "conflict" // decided by nobody yet
)

// Changes reports whether the action changes the installation.
func (a Action) Changes() bool {
	switch a {
	case Add, Replace, Merge, Remove, Mode, Clear:
		return true
	}
	return false
}

// Side is a path as one of the trees has it.
type Side struct {
	Kind   manifest.Kind   `json:"kind"`
	Mode   uint32          `json:"mode,omitempty"`
	Size   int64           `json:"size,omitempty"`
	Digest manifest.Digest `json:"digest,omitzero"`
	Target string          `json:"target,omitempty"`
	UID    int             `json:"uid,omitempty"` // of ours and result
	GID    int             `json:"gid,omitempty"`
}

// Step is one path of a plan, with the reason for what is done to it.
type Step struct {
	Path   manifest.Path `json:"path"`
	Action Action        `json:"action"`
	Reason string        `json:"reason"`
	Config bool          `json:"config,omitempty"`
	From   manifest.Path `json:"from,omitempty"`  // of a declared rename: where the base is
	Count  int           `json:"count,omitempty"` // of a deleted directory: the paths below
	Base   Side          `json:"base"`
	Ours   Side          `json:"ours"`
	Theirs Side          `json:"theirs"`
	Result Side          `json:"result"`
	Notes  []merge.Note  `json:"notes,omitempty"` // what a merge decided by itself

	before  fsys.Info
	content []byte // of a merge: base, ours and theirs become this
	base    []byte // of a merge: what was shipped, for reports
	ours    []byte // of a merge: what the operator has, for the difference shown
	merged  bool
	decided bool // a conflict that the run or the settings decided for the operator's side
	copied  bool // the live file has other names or a writer: its old bytes are copied apart
}

// Diff is the difference that a merge makes to the operator's file, as a unified
// diff, or nil.
func (s *Step) Diff() []byte {
	if !s.merged {
		return nil
	}
	return merge.Unified(s.ours, s.content, "a/"+string(s.Path), "b/"+string(s.Path), 3)
}

// Texts are the three texts of a merge: as shipped before, the operator's, and what
// they become with the vendor's changes; nil for any other step.
func (s *Step) Texts() (base, ours, result []byte) {
	if !s.merged {
		return nil, nil, nil
	}
	return s.base, s.ours, s.content
}

// ConflictOf says why a path cannot be decided, and holds its three sides.
type ConflictOf struct {
	Path   manifest.Path    `json:"path"`
	Kind   conflict.Kind    `json:"kind,omitempty"`
	Reason string           `json:"reason"`
	Fault  string           `json:"fault,omitempty"` // why what was decided cannot be taken
	Hunks  []merge.Conflict `json:"-"`
	Where  ConflictPaths    `json:"where,omitzero"`   // once the workspace is written
	Places []Waiting        `json:"places,omitempty"` // the same

	base, ours, theirs, merged []byte
	mine, pinned               []byte  // ours and theirs as they were merged
	has                        [3]bool // base, ours, theirs are files with contents to write
	file                       conflict.File
	marked                     []byte // of a text: with all its places between markers
	final                      []byte // of a path decided as a whole: what is to become of it
}

// Texts are the contents of the three sides; nil for a side that is no file or is not
// there.
func (c *ConflictOf) Texts() (base, ours, theirs []byte) { return c.base, c.ours, c.theirs }

// ConflictPaths is where the sides of a conflict lie, relative to the installation;
// "" for a side that does not exist.
type ConflictPaths struct {
	Base   string `json:"base,omitempty"`
	Ours   string `json:"ours,omitempty"`
	Theirs string `json:"theirs,omitempty"`
	Merged string `json:"merged,omitempty"`
}

// Release names a level of a channel in a plan.
type Release struct {
	Level    int64           `json:"level"`
	Channel  string          `json:"channel"`
	Version  string          `json:"version"`
	Released time.Time       `json:"released"`
	Manifest manifest.Digest `json:"manifest"`
}

// Name is r for people, such as `level 17 (4.2.0)`.
func (r Release) Name() string {
	if r.Version == "" {
		return fmt.Sprintf("level %d", r.Level)
	}
	return fmt.Sprintf("level %d (%s)", r.Level, r.Version)
}

// Space is what an update needs where the installation lies, in bytes and inodes,
// and what is free (inodes -1: not limited).
type Space struct {
	NeededBytes  int64 `json:"needed_bytes"`
	FreeBytes    int64 `json:"free_bytes"`
	NeededInodes int64 `json:"needed_inodes"`
	FreeInodes   int64 `json:"free_inodes"`
}

// Finding is something that has to be put right before an update can begin.
type Finding struct {
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`

	access bool // about writing here, which who only looks need not be able to
	door   bool // about a one-way door, which who only looks does not pass
}

// Plan is everything that an update will do, decided before it does anything. It
// prints as text, as JSON and later in other forms; Execute applies it once.
type Plan struct {
	Schema       string                 `json:"schema"`
	Engine       string                 `json:"engine"`
	Created      time.Time              `json:"created"`
	Expires      time.Time              `json:"expires,omitzero"`      // of the metadata it was made from
	Settings     manifest.Digest        `json:"settings,omitzero"`     // of the operator's settings, as they were
	OnConflict   string                 `json:"on_conflict,omitempty"` // what the run was told
	Product      string                 `json:"product"`
	Action       string                 `json:"action"` // update, downgrade, revert, fix, none
	From         Release                `json:"from"`
	To           Release                `json:"to"`
	Source       string                 `json:"source"`
	Way          []string               `json:"way,omitempty"` // of a revert: the snapshots that it goes back over, in this order
	Steps        []Step                 `json:"steps"`         // sorted by path
	Conflicts    []ConflictOf           `json:"conflicts"`
	Resolved     []Resolved             `json:"resolved,omitempty"` // conflicts that were decided before, in the workspace or as remembered
	Fixes        []manifest.Fix         `json:"fixes"`              // of all levels on the way, the worst first
	Instructions []Instruction          `json:"instructions"`
	Irreversible *manifest.Irreversible `json:"irreversible,omitempty"`
	Behind       bool                   `json:"behind,omitempty"`  // the one-way door lies behind: the way leads back through it
	Service      *ServicePlan           `json:"service,omitempty"` // nil: the product is not stopped and started by the run
	Space        Space                  `json:"space"`
	Window       *Forecast              `json:"window,omitempty"`   // how long files will be exchanged
	Prepared     *Reuse                 `json:"prepared,omitempty"` // what of it is staged already
	Follow       []Followed             `json:"follow,omitempty"`   // directories behind links
	Findings     []Finding              `json:"findings"`           // what stands in the way, all at once
	Warnings     []string               `json:"warnings"`
	Barred       []Finding              `json:"-"` // of a plan that was only looked at: what keeps this user from going ahead, told in Warnings

	target        *target
	baseInventory *manifest.Inventory
	updater       *repository.Updater // that takes the place of the one in bin; nil: that stays
	way           *wayBack            // of a revert: the snapshots it goes by
	in            *installed          // of an update: what is installed
	entries       []backup.Entry      // of a revert: prepared when planning
	puts          []put               // of a revert that copies: what goes into which slot
	edits         []editSince         // of a revert: what was edited since and goes
	settled       []ConflictOf        // paths whose conflicts are all resolved, as the workspace keeps them
}

// Instruction is what a release asks the operator to do by hand.
type Instruction struct {
	Level int64  `json:"level"`
	Text  string `json:"text"`
}

// Count is the number of steps of each action.
func (p *Plan) Count() map[Action]int {
	n := map[Action]int{}
	for i := range p.Steps {
		n[p.Steps[i].Action]++
	}
	return n
}

// Empty reports whether the plan changes no path of the product.
func (p *Plan) Empty() bool {
	for i := range p.Steps {
		if p.Steps[i].Action.Changes() {
			return false
		}
	}
	return len(p.Conflicts) == 0
}
