package updater

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/merge"
	"inplace/updater/mask"
)

// DiffOptions say what to compare.
type DiffOptions struct {
	Paths []string // with all below; none: everything
	Out   string   // the file that the difference is going to, which is none itself; "": none
	Known []string // secrets to mask wherever they occur
}

// FileDiff is one path that differs.
type FileDiff struct {
	Path    manifest.Path `json:"path"`
	From    manifest.Path `json:"from,omitempty"` // its name before, where it was renamed
	What    string        `json:"what"`           // edited, added, deleted, mode, renamed
	Config  bool          `json:"config,omitempty"`
	LeftOut string        `json:"left_out,omitempty"` // why the patch does not have it
	Added   int           `json:"added_lines"`
	Removed int           `json:"removed_lines"`

	Patch  []byte `json:"-"` // in the form of git diff; nil if it is left out
	Masked []byte `json:"-"` // Patch with its secrets masked
	Mode   uint32 `json:"-"` // of the file that it leads to, but for write bits of group and others; 0: no such file
}

// Secret reports whether the patch holds what looks like a secret.
func (f *FileDiff) Secret() bool { return !bytes.Equal(f.Masked, f.Patch) }

// MarshalJSON adds escaped forms of paths that are not UTF-8, since JSON cannot hold them.
func (f FileDiff) MarshalJSON() ([]byte, error) {
	type plain FileDiff
	return json.Marshal(struct {
		plain
		Escaped     string `json:"path_escaped,omitempty"`
		EscapedFrom string `json:"from_escaped,omitempty"`
	}{plain(f), escapedPath(f.Path), escapedPath(f.From)})
}

// Diff is the difference between two trees: what was shipped and what is there, or two
// releases.
type Diff struct {
	Product string     `json:"product"`
	From    Release    `json:"from"`
	To      *Release   `json:"to,omitempty"` // nil: the installation as it is
	Files   []FileDiff `json:"files"`        // sorted by path
}

// LeftOut counts the files that the patch does not have.
func (d *Diff) LeftOut() int {
	n := 0
	for i := range d.Files {
		if d.Files[i].LeftOut != "" {
			n++
		}
	}
	return n
}

// Why a file is left out of a patch.
const (
	leftBinary = "binary"
	leftLarge  = "larger than 16 MiB"
	leftDir    = "a directory stands where a file was shipped"
	leftBehind = "a link stands where a directory was shipped"
	leftOther  = "neither a file nor a link"
	leftOwn    = "the updater's own"
	leftBits   = "set-user-ID or set-group-ID, of which a patch has nothing"
	leftDirs   = "a directory, of which a patch has nothing"
	leftTurned = "a directory becomes a file, or a file a directory"
)

// differ makes a Diff.
type differ struct {
	ctx   context.Context
	u     *Updater
	in    *installed
	rules *manifest.Matcher
	base  pristine
	out   *Diff
	file  manifest.Path // that out is going to; "": none in the installation
	known []string
}

// Diff compares what was shipped with what is there. It writes nothing. Texts are
// compared with what is kept of the shipped ones; what is not kept comes from the source,
// by its digest. Errors: those of [Updater.Verify], and of a source that is needed.
func (u *Updater) Diff(ctx context.Context, opt DiffOptions) (*Diff, error) {
	v, err := u.Verify(ctx, VerifyOptions{Paths: opt.Paths})
	if err != nil {
		return nil, err
	}
	in, err := readInstalled(u.tree)
	if err != nil {
		return nil, err
	}
	d := &differ{ctx: ctx, u: u, in: in, base: pristine{tree: u.tree}, known: opt.Known,
		out: &Diff{Product: in.Product, From: in.release(), Files: []FileDiff{}}}
	if d.rules, err = in.manifest.Rules.Compile(); err != nil {
		return nil, err
	}
	wanted, err := u.inside(opt.Paths)
	if err != nil {
		return nil, err
	}
	if opt.Out != "" {
		d.file, _ = u.pathOf(opt.Out)
	}
	for i := range v.Edits {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		if err := d.edit(&v.Edits[i], wanted); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(d.out.Files, func(a, b FileDiff) int { return strings.Compare(string(a.Path), string(b.Path)) })
	d.turned()
	return d.out, nil
}

// turned leaves out what is taken away and what is added where one lies below the other:
// patch refuses them half-way.
func (d *differ) turned() {
	gone, made := map[manifest.Path]int{}, map[manifest.Path]int{}
	for i := range d.out.Files {
		f := &d.out.Files[i]
		switch f.What {
		case "added":
			made[f.Path] = i
		case "deleted":
			gone[f.Path] = i
		case "renamed":
			gone[f.From], made[f.Path] = i, i
		}
	}
	d.below(gone, made)
	d.below(made, gone)
}

// below leaves out each of lower that lies below one of upper, and that one.
func (d *differ) below(lower, upper map[manifest.Path]int) {
	for p, i := range lower {
		for p = p.Parent(); p != ""; p = p.Parent() {
			if j, ok := upper[p]; ok {
				d.out.Files[i].leave(leftTurned)
				d.out.Files[j].leave(leftTurned)
			}
		}
	}
}

// leave leaves f out of the patch, unless it is left out already.
func (f *FileDiff) leave(why string) {
	if f.LeftOut == "" {
		f.LeftOut, f.Patch, f.Masked, f.Added, f.Removed = why, nil, nil, 0, 0
	}
}

// edit adds what one difference comes to.
func (d *differ) edit(e *Edit, wanted []manifest.Path) error {
	entry := d.in.inventory.Find(e.Path)
	switch {
	case e.What == WhatOwner:
		return nil
	case e.What == WhatUnreadable:
		return fmt.Errorf("%s: %s", e.Path, e.Detail)
	case e.What == WhatExtra && e.Path == d.file:
		return nil
	case e.What == WhatExtra:
		if len(e.inside) == 0 {
			return d.live(e.Path, nil)
		}
		for _, p := range e.inside {
			if p == d.file {
				continue
			}
			if err := d.live(p, nil); err != nil {
				return err
			}
		}
		return nil
	case entry == nil: // put there by adopt
		f := FileDiff{Path: e.Path, What: WhatEdited, LeftOut: leftOwn}
		switch e.What {
		case WhatMissing:
			f.What = "deleted"
		case WhatMode:
			f.What = WhatMode
		}
		d.add(f)
		return nil
	case entry.Kind == manifest.Dir:
		return d.directory(e, entry, wanted)
	case e.What == WhatMissing:
		return d.gone(entry)
	case e.What == WhatMode:
		return d.mode(entry)
	}
	return d.live(e.Path, entry)
}

// mode adds that e has another mode, and the content that was shipped.
func (d *differ) mode(e *manifest.Entry) error {
	info, err := d.u.tree.Lstat(string(e.Path))
	if err != nil {
		return err
	}
	if !info.IsFile() {
		return d.live(e.Path, e) // not since it was compared
	}
	f := FileDiff{Path: e.Path, What: WhatMode}
	left := ""
	if info.Perm()&manifest.ModeMask == e.Mode {
		left = leftBits
	}
	d.patch(f, &merge.PatchSide{Mode: e.Mode}, &merge.PatchSide{Mode: info.Perm()}, left)
	return nil
}

// directory adds what is missing with a directory, and what stands in its place.
func (d *differ) directory(e *Edit, entry *manifest.Entry, wanted []manifest.Path) error {
	if e.What == WhatMode {
		d.add(FileDiff{Path: e.Path, What: WhatMode, LeftOut: leftDirs})
		return nil
	}
	info, err := d.u.tree.Lstat(string(e.Path))
	if err != nil && !fsys.IsBlocked(err) {
		return err
	}
	if info.IsLink() {
		d.add(FileDiff{Path: e.Path, What: WhatEdited, LeftOut: leftBehind})
		return nil
	}
	absent, err := absentGlobs(d.u.settings)
	if err != nil {
		return err
	}
	var all []manifest.Entry
	if !info.Exists && within(wanted, e.Path) {
		all = append(all, *entry)
	}
	holds := map[manifest.Path]bool{}
	for i, end := d.in.inventory.Below(entry.Path); i < end; i++ {
		below := d.in.inventory.At(i)
		class := d.rules.Class(below.Path)
		if class == manifest.Data || class == manifest.Ignore || manifest.MatchAny(absent, below.Path) || !within(wanted, below.Path) {
			continue
		}
		all = append(all, below)
		for p := below.Path.Parent(); p != "" && !holds[p]; p = p.Parent() {
			holds[p] = true
		}
	}
	for i := range all {
		if holds[all[i].Path] {
			continue // goes with what is in it
		}
		if err := d.gone(&all[i]); err != nil {
			return err
		}
	}
	if info.Exists {
		return d.instead(e.Path)
	}
	return nil
}

// instead adds the file or link that stands where the directory p was shipped.
func (d *differ) instead(p manifest.Path) error {
	n := len(d.out.Files)
	if err := d.live(p, nil); err != nil {
		return err
	}
	for i := range d.out.Files[n:] {
		d.out.Files[n+i].leave(leftTurned)
	}
	return nil
}

// within reports whether p is one of wanted or lies below one; none is everything.
func within(wanted []manifest.Path, p manifest.Path) bool {
	for _, w := range wanted {
		if p.Within(w) {
			return true
		}
	}
	return len(wanted) == 0
}

func (d *differ) add(f FileDiff) {
	f.Config = d.rules.Class(f.Path) == manifest.Config
	d.out.Files = append(d.out.Files, f)
}

// gone adds that e is not there any more.
func (d *differ) gone(e *manifest.Entry) error {
	f := FileDiff{Path: e.Path, What: "deleted"}
	if e.Kind == manifest.Dir {
		d.patch(f, nil, nil, leftDirs)
		return nil
	}
	side, left, err := d.shipped(e)
	if err != nil {
		return err
	}
	d.patch(f, side, nil, left)
	return nil
}

// live adds what is there at p, where entry was shipped, or nothing.
func (d *differ) live(p manifest.Path, entry *manifest.Entry) error {
	f := FileDiff{Path: p, What: "added"}
	if entry != nil {
		f.What = WhatEdited
	}
	info, err := d.u.tree.Lstat(string(p))
	if err != nil {
		return err
	}
	now, left, err := d.read(p, info)
	if err != nil || now == nil && left == "" {
		return err // went away
	}
	if left != "" || entry == nil {
		d.patch(f, nil, now, left)
		return nil
	}
	side, left, err := d.shipped(entry)
	if err != nil {
		return err
	}
	if side != nil && !side.Link && !now.Link && bytes.Equal(side.Data, now.Data) {
		f.What = WhatMode
	}
	if side != nil && side.Mode == now.Mode&manifest.ModeMask {
		now.Mode = side.Mode // group and other write bits are no edit
	}
	d.patch(f, side, now, left)
	return nil
}

// patch adds f with what makes a to b, or why the patch cannot have it.
func (d *differ) patch(f FileDiff, a, b *merge.PatchSide, left string) {
	if left == "" {
		from := f.Path
		if f.From != "" {
			from = f.From
		}
		var ok bool
		if f.Patch, ok = merge.Patch(string(from), string(f.Path), a, b); !ok {
			left = leftBinary
		}
	}
	f.LeftOut = left
	switch {
	case left != "":
		f.Patch = nil
	case b != nil && !b.Link:
		f.Mode = b.Mode & manifest.ModeMask
	}
	f.Masked = mask.Diff(f.Patch, a.Text(), b.Text(), d.known...)
	f.Added, f.Removed = countLines(f.Patch)
	d.add(f)
}

// countLines counts the lines that a patch of one file adds and removes.
func countLines(patch []byte) (added, removed int) {
	body := false
	for line := range bytes.Lines(patch) {
		switch {
		case bytes.HasPrefix(line, []byte("diff --git ")):
			body = false
		case bytes.HasPrefix(line, []byte("@@ ")):
			body = true
		case body && line[0] == '+':
			added++
		case body && line[0] == '-':
			removed++
		}
	}
	return added, removed
}

// read returns what is there at p, or why it has no place in a patch; neither if nothing
// is there.
func (d *differ) read(p manifest.Path, info fsys.Info) (*merge.PatchSide, string, error) {
	switch {
	case !info.Exists:
		return nil, "", nil
	case info.IsLink():
		target, err := d.u.tree.Readlink(string(p))
		return &merge.PatchSide{Link: true, Data: []byte(target)}, "", err
	case info.IsDir():
		if d.in.inventory.Index(p) < 0 {
			return nil, leftDirs, nil
		}
		return nil, leftDir, nil
	case !info.IsFile():
		return nil, leftOther, nil
	case info.Size > maxMerge:
		return nil, leftLarge, nil
	}
	f, err := d.u.tree.Open(string(p))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMerge+1))
	if err != nil {
		return nil, "", err
	}
	return &merge.PatchSide{Mode: info.Perm(), Data: data}, "", nil
}

// shipped returns what was shipped as e, or why it has no place in a patch. All texts
// up to maxPristine are kept here, so what is no larger and not kept is no text.
func (d *differ) shipped(e *manifest.Entry) (*merge.PatchSide, string, error) {
	if e.Kind == manifest.Link {
		return &merge.PatchSide{Link: true, Data: []byte(e.Target)}, "", nil
	}
	data, err := d.base.get(e.Digest)
	switch {
	case err == nil:
	case err == errNotKept && e.Size <= maxPristine:
		return nil, leftBinary, nil
	case !errors.Is(err, errNotKept):
		return nil, "", err
	case e.Size > maxMerge:
		return nil, leftLarge, nil
	default:
		if err := d.u.openSource(); err != nil {
			return nil, "", err
		}
		if data, err = d.u.blob(d.ctx, e); err != nil {
			return nil, "", fmt.Errorf("%s as it was shipped: %w", e.Path, err)
		}
	}
	return &merge.PatchSide{Mode: e.Mode, Data: data}, "", nil
}

// blob reads the content of e, of at most maxMerge bytes, from the source.
func (u *Updater) blob(ctx context.Context, e *manifest.Entry) ([]byte, error) {
	r, err := u.client.Blob(ctx, e.Digest, e.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}
