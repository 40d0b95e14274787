package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
)

// maxMergeInput is the largest side that `merge` reads, in bytes.
const maxMergeInput = 256 << 20

// conflictsLeft ends `merge` with conflicts in its result, which is written.
type conflictsLeft struct{ list []merge.Conflict }

func (e *conflictsLeft) Error() string {
	lines := []string{fmt.Sprintf("%d conflicts are left", len(e.list))}
	if len(e.list) == 1 {
		lines[0] = "1 conflict is left"
	}
	for _, k := range e.list {
		lines = append(lines, conflictLine(k))
	}
	return strings.Join(lines, "\n")
}

// merge is `merge OURS BASE THEIRS`, in the order of git merge-file. The merged text
// goes to stdout, or into -o FILE, also where conflict markers are left in it.
func (r *run) merge(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdMerge); err != nil {
		return err
	}
	var sides [3][]byte
	for i := range sides {
		data, err := readLimited(c.Args().Get(i))
		if err != nil {
			return err
		}
		sides[i] = data
	}
	ours, base, theirs := sides[0], sides[1], sides[2]
	size, err := markerSize(c)
	if err != nil {
		return err
	}
	name := c.String("path")
	if name == "" {
		name = c.Args().Get(0)
	}
	format := c.String("format")
	if format == "" {
		format = formats.Detect(filepath.ToSlash(name), theirs)
	} else if names := formatNames(); !slices.Contains(names, format) {
		return usage(fmt.Sprintf("--format: %q is no format", format), "one of: "+strings.Join(names, ", "))
	}
	defer collectLess(len(ours) + len(base) + len(theirs))()
	opt := merge.Options{Path: name, MarkerSize: size,
		Labels: merge.Labels{Ours: c.Args().Get(0), Base: c.Args().Get(1), Theirs: c.Args().Get(2)}}
	res := formats.Merge(format, base, ours, theirs, opt)
	r.doc.Merge = mergedView(format, res)
	out := res.Merged
	if out == nil && !res.Clean() { // binary: with markers it is of no use, but nobody takes ours for merged
		out, _ = merge.AppendBlock(nil, base, ours, theirs, "\n", opt)
	}
	if err := r.writeMerged(c.String("output"), out); err != nil {
		return err
	}
	if !res.Clean() {
		return &conflictsLeft{res.Conflicts}
	}
	return nil
}

// formatNames are the formats that --format takes.
func formatNames() []string {
	return append(slices.Sorted(maps.Keys(formats.Structures())), formats.Lines)
}

func conflictLine(k merge.Conflict) string {
	if k.Key != "" {
		return manifest.Path(k.Key).String() + ": " + k.Reason
	}
	return fmt.Sprintf("line %d: %s", k.OursStart+1, k.Reason)
}

// writeMerged puts the text where it was asked for. With --json and no file the
// document carries it.
func (r *run) writeMerged(file string, text []byte) error {
	if file == "" {
		if r.json {
			if utf8.Valid(text) { // others have no place in JSON
				r.doc.Merge.Text = string(text)
			}
			return nil
		}
		_, err := r.env.Stdout.Write(text)
		return err
	}
	// In place and not by rename: git's merge driver hands over a file that it holds by name.
	return os.WriteFile(file, text, 0o644)
}

func readLimited(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMergeInput+1))
	if err == nil && len(data) > maxMergeInput {
		err = errors.New("is too large to merge")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place(file), err)
	}
	return data, nil
}

// collectLess has the garbage collector run less often for a merge of so many bytes, and
// returns what undoes it. Texts of the usual size are merged before a first collection
// would pay; one that takes surprisingly much memory is collected as ever.
func collectLess(size int) func() {
	percent, limit := 200, int64(math.MaxInt64)
	if size <= 1<<20 {
		percent, limit = -1, 256<<20
	}
	percent, limit = debug.SetGCPercent(percent), debug.SetMemoryLimit(limit)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

func markerSize(c *cli.Context) (int, error) {
	text := c.String("marker-size")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 200 {
		return 0, usage("--marker-size: want a number from 1 to 200, got "+strconv.Quote(text), "git hands over 7 unless told otherwise")
	}
	return n, nil
}

// mergedFile is the outcome of `merge` in documents.
type mergedFile struct {
	Format    string          `json:"format"`
	Method    string          `json:"method"`
	Conflicts []mergeConflict `json:"conflicts"`
	Notes     []merge.Note    `json:"notes"`
	Text      string          `json:"text,omitempty"`
}

type mergeConflict struct {
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason"`
	Line   int    `json:"line"` // in ours, from 1
}

func mergedView(format string, res merge.Result) *mergedFile {
	v := &mergedFile{Format: format, Method: res.Method, Conflicts: []mergeConflict{}, Notes: list(res.Notes)}
	for _, k := range res.Conflicts {
		v.Conflicts = append(v.Conflicts, mergeConflict{k.Key, k.Reason, k.OursStart + 1})
	}
	return v
}
