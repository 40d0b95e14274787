package updater

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inplace/manifest"
)

// MaxPlanBytes is the longest plan file that is read.
const MaxPlanBytes = 128 << 20

// PlanFile is a plan as a document that others approve: what an update starts from, what it
// goes to, and for each path what is done and what comes of it. It has no contents and
// nothing that changes by the hour, so that the same installation and release give the same
// bytes; docs/schemas/plan.json describes it. Paths and targets have bytes below 0x21, 0x7F
// and `%` as %XX, and where they are not UTF-8 all above 0x7F.
//
// It is no command: who applies it makes the plan anew and compares.
type PlanFile struct {
	Schema     string          `json:"schema"`
	Engine     string          `json:"engine"`
	Product    string          `json:"product"`
	Action     string          `json:"action"` // update, downgrade, none
	From       PlanLevel       `json:"from"`
	To         PlanLevel       `json:"to"`
	Expires    time.Time       `json:"expires"` // of the metadata; not compared
	Settings   manifest.Digest `json:"settings,omitzero"`
	OnConflict string          `json:"on_conflict,omitempty"`
	Steps      []PlanStep      `json:"steps"` // sorted by path
	Conflicts  []PlanConflict  `json:"conflicts"`
}

// PlanLevel names a release in a plan file.
type PlanLevel struct {
	Level    int64           `json:"level"`
	Channel  string          `json:"channel"`
	Version  string          `json:"version"`
	Manifest manifest.Digest `json:"manifest"`
}

// PlanStep is one path of a plan file.
type PlanStep struct {
	Path   string   `json:"path"`
	Action Action   `json:"action"`
	Reason string   `json:"reason"`
	From   string   `json:"from,omitempty"`
	Count  int      `json:"count,omitempty"`
	Base   PlanSide `json:"base"`
	Ours   PlanSide `json:"ours"`
	Theirs PlanSide `json:"theirs"`
	Result PlanSide `json:"result"`
}

// PlanSide is a [Side] in a plan file.
type PlanSide struct {
	Kind   string          `json:"kind"`
	Mode   uint32          `json:"mode,omitempty"`
	UID    int             `json:"uid,omitempty"`
	GID    int             `json:"gid,omitempty"`
	Size   int64           `json:"size,omitempty"`
	Digest manifest.Digest `json:"digest,omitzero"`
	Target string          `json:"target,omitempty"`
}

// PlanConflict is a path of a plan file that nobody has decided.
type PlanConflict struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// File is p as a document.
func (p *Plan) File() *PlanFile {
	f := &PlanFile{Schema: PlanSchema, Engine: p.Engine, Product: p.Product, Action: p.Action, From: planLevel(p.From), To: planLevel(p.To),
		Expires: p.Expires.UTC(), Settings: p.Settings, OnConflict: p.OnConflict, Steps: []PlanStep{}, Conflicts: []PlanConflict{}}
	for i := range p.Steps {
		s := &p.Steps[i]
		f.Steps = append(f.Steps, PlanStep{Path: planName(string(s.Path)), Action: s.Action, Reason: planText(s.Reason), From: planName(string(s.From)), Count: s.Count,
			Base: planSide(s.Base), Ours: planSide(s.Ours), Theirs: planSide(s.Theirs), Result: planSide(s.Result)})
	}
	for i := range p.Conflicts {
		f.Conflicts = append(f.Conflicts, PlanConflict{planName(string(p.Conflicts[i].Path)), planText(p.Conflicts[i].Reason)})
	}
	return f
}

func planLevel(r Release) PlanLevel { return PlanLevel{r.Level, r.Channel, r.Version, r.Manifest} }

func planSide(s Side) PlanSide {
	return PlanSide{s.Kind.String(), s.Mode, s.UID, s.GID, s.Size, s.Digest, planName(s.Target)}
}

// planName writes a path or target as a plan file has it.
func planName(s string) string {
	text := manifest.Escape(s)
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if text[i] < utf8.RuneSelf {
			b.WriteByte(text[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", text[i])
		}
	}
	return b.String()
}

// escapedPath is p as a plan file has it where JSON cannot hold p; else "".
func escapedPath(p manifest.Path) string {
	if utf8.ValidString(string(p)) {
		return ""
	}
	return planName(string(p))
}

// planText is s as JSON can hold it.
func planText(s string) string { return strings.ToValidUTF8(s, "?") }

// Marshal renders f, always as the same bytes.
func (f *PlanFile) Marshal() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		panic(err) // texts and numbers always encode
	}
	return b.Bytes()
}

// expired reports whether the metadata that f was made from is past its date.
func (f *PlanFile) expired(now time.Time) bool { return now.After(f.Expires) }

// PlanFileError says why a file is no plan that can be applied.
type PlanFileError struct{ Name, Reason string }

func (e *PlanFileError) Error() string { return e.Name + ": " + e.Reason }

// ReadPlan reads the plan file at name, whoever wrote it. It must be to the letter what
// Marshal writes: unknown, doubled or reordered keys, other spellings and anything after it
// are refused, as are paths that lead out of the installation. Errors: *[PlanFileError], and
// those of opening it.
func ReadPlan(name string) (*PlanFile, error) {
	shown := manifest.Path(name).String()
	info, err := os.Stat(name) // first, since opening a pipe would wait for its writer
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("want a file, got something else")
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(name)
	}
	if err != nil {
		return nil, &PlanFileError{shown, cause(err).Error()}
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, MaxPlanBytes+1))
	if err != nil {
		return nil, &PlanFileError{shown, cause(err).Error()}
	}
	return ParsePlan(shown, data)
}

// ParsePlan is [ReadPlan] of bytes; name is for errors.
func ParsePlan(name string, data []byte) (*PlanFile, error) {
	fail := func(format string, args ...any) (*PlanFile, error) {
		return nil, &PlanFileError{name, fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxPlanBytes {
		return fail("want at most %d bytes, got more", MaxPlanBytes)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fail("want one JSON document: %v", err)
	}
	if head.Schema != PlanSchema {
		return fail("schema: want %q, got %.60q", PlanSchema, head.Schema)
	}
	var f PlanFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return fail("%v", err)
	}
	if f.Steps == nil || f.Conflicts == nil || !bytes.Equal(f.Marshal(), data) {
		return fail("want it to the letter as --plan-out wrote it, got another spelling")
	}
	switch f.Action {
	case "update", "downgrade", "none":
	default:
		return fail("action: want update, downgrade or none, got %.40q", f.Action)
	}
	last := ""
	for i := range f.Steps {
		s := &f.Steps[i]
		path, err := parsePlanName(s.Path)
		if err == nil && s.From != "" {
			_, err = parsePlanName(s.From)
		}
		if err != nil {
			return fail("steps: %v", err)
		}
		if string(path) <= last {
			return fail("steps: %s: want paths in their order, each once", path)
		}
		last = string(path)
	}
	for i := range f.Conflicts {
		if _, err := parsePlanName(f.Conflicts[i].Path); err != nil {
			return fail("conflicts: %v", err)
		}
	}
	return &f, nil
}

// parsePlanName reads a path as planName writes it.
func parsePlanName(text string) (manifest.Path, error) {
	raw, err := url.PathUnescape(text)
	if err != nil || planName(raw) != text {
		return "", fmt.Errorf("%.200q: want a path with %%XX for what does not print", text)
	}
	return manifest.ParsePath(raw)
}

const (
	whatConflict = "conflict"
	none         = "none"
)

// PlanDrift is one thing that is not as the approved plan has it.
type PlanDrift struct {
	Path string `json:"path"` // of a file, or what of the plan
	What string `json:"what"`
	Want string `json:"want"` // as approved
	Got  string `json:"got"`
}

// String is d in one line.
func (d PlanDrift) String() string {
	return fmt.Sprintf("%s: %s: want %s, got %s", d.Path, d.What, d.Want, d.Got)
}

// PlanDriftError says that the installation or the release is not as when a plan was
// approved; nothing was changed.
type PlanDriftError struct {
	Drift    []PlanDrift
	Conflict bool // some of it is a conflict that was not there
}

func (e *PlanDriftError) Error() string {
	lines := make([]string, len(e.Drift))
	for i, d := range e.Drift {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// PlanExpiredError says that the metadata of an approved plan is past its date.
type PlanExpiredError struct{ Since time.Time }

func (e *PlanExpiredError) Error() string {
	return "the plan goes by metadata that expired on " + e.Since.UTC().Format(time.RFC3339)
}

// pin completes p with what a plan file has of it, and compares it with the approved one.
func (u *Updater) pin(p *Plan) (err error) {
	if p.Settings, err = u.settingsDigest(); err != nil {
		return err
	}
	p.OnConflict = u.opt.OnConflict
	if state := u.client.State(); state != nil {
		p.Expires = state.Expires(u.channel())
	}
	want := u.opt.Plan
	if want == nil {
		return nil
	}
	if want.expired(u.opt.Now()) && u.opt.AllowStale == "" {
		return &PlanExpiredError{want.Expires}
	}
	drift := want.compare(p.File())
	if len(drift) == 0 {
		return nil
	}
	conflict := slices.ContainsFunc(drift, func(d PlanDrift) bool { return d.What == whatConflict && d.Got != none })
	return &PlanDriftError{drift, conflict}
}

// compare lists how got, made now, differs from the approved f, by path.
func (f *PlanFile) compare(got *PlanFile) []PlanDrift {
	var out []PlanDrift
	add := func(path, what, want, got string) {
		if want != got {
			out = append(out, PlanDrift{path, what, cmp.Or(want, none), cmp.Or(got, none)})
		}
	}
	add("plan", "engine", f.Engine, got.Engine)
	add("plan", "product", f.Product, got.Product)
	add("plan", "action", f.Action, got.Action)
	add("plan", "installed release", f.From.text(), got.From.text())
	add("plan", "release to go to", f.To.text(), got.To.text())
	add("plan", "on_conflict", f.OnConflict, got.OnConflict)
	digest := func(d manifest.Digest) string {
		if d == (manifest.Digest{}) {
			return ""
		}
		return d.String()
	}
	add(settingsPath, "digest", digest(f.Settings), digest(got.Settings))
	both(f.Conflicts, got.Conflicts, func(c PlanConflict) string { return c.Path }, func(path string, a, b *PlanConflict) {
		text := func(c *PlanConflict) string {
			if c == nil {
				return ""
			}
			return c.Reason
		}
		add(path, whatConflict, text(a), text(b))
	})
	both(f.Steps, got.Steps, func(s PlanStep) string { return s.Path }, func(path string, a, b *PlanStep) {
		if a == nil || b == nil {
			add(path, "action", a.text(), b.text())
			return
		}
		before := len(out)
		add(path, "action", string(a.Action), string(b.Action))
		add(path, "base", a.Base.text(), b.Base.text())
		add(path, "ours", a.Ours.text(), b.Ours.text())
		add(path, "theirs", a.Theirs.text(), b.Theirs.text())
		add(path, "result", a.Result.text(), b.Result.text())
		add(path, "old name", a.From, b.From)
		if *a != *b && len(out) == before {
			add(path, "reason", fmt.Sprintf("%s (%d)", a.Reason, a.Count), fmt.Sprintf("%s (%d)", b.Reason, b.Count))
		}
	})
	return out
}

// both calls fn for each name of two sorted lists, with nil for the one that lacks it.
func both[T any](a, b []T, name func(T) string, fn func(name string, a, b *T)) {
	at := map[string]*T{}
	for i := range b {
		at[name(b[i])] = &b[i]
	}
	seen := map[string]bool{}
	for i := range a {
		n := name(a[i])
		seen[n] = true
		fn(n, &a[i], at[n])
	}
	for i := range b {
		if n := name(b[i]); !seen[n] {
			fn(n, nil, &b[i])
		}
	}
}

func (l PlanLevel) text() string {
	return fmt.Sprintf("level %d of channel %s, version %s, manifest %s", l.Level, l.Channel, l.Version, l.Manifest)
}

func (s *PlanStep) text() string {
	if s == nil {
		return ""
	}
	return string(s.Action) + " to " + s.Result.text()
}

func (s PlanSide) text() string {
	var parts []string
	parts = append(parts, s.Kind)
	if s.Kind == manifest.File.String() || s.Kind == manifest.Dir.String() {
		parts = append(parts, fmt.Sprintf("%04o", s.Mode))
	}
	if s.UID != 0 || s.GID != 0 {
		parts = append(parts, fmt.Sprintf("%d:%d", s.UID, s.GID))
	}
	if s.Kind == manifest.File.String() {
		parts = append(parts, fmt.Sprintf("%d bytes", s.Size), s.Digest.String())
	}
	if s.Target != "" {
		parts = append(parts, "to "+s.Target)
	}
	return strings.Join(parts, " ")
}
