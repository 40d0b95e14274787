package cli

import (
	"fmt"

	"inplace/manifest"
	"inplace/updater"
)

// packText tells what is in a pack, and what is not.
func (r *run) packText(p *updater.Packed) {
	out := r.out
	out.line("%s: %s, channel %s", styled{bold, p.Product}, p.Release.Name(), p.Release.Channel)
	if p.Home != "" {
		out.line("with the edits of %s", manifest.Path(p.Home))
	}
	var edits, left []row
	for _, e := range p.Edits {
		note := e.What
		if e.Count > 0 {
			note += ", with " + count(e.Count, "path") + " below"
		}
		edits = append(edits, row{"~", e.Path.String(), note})
	}
	for _, l := range p.LeftOut {
		left = append(left, row{" ", l.String(), ""})
	}
	r.rows("Not as the release has it", yellow, edits)
	r.rows("Left out: only yours, and no configuration", plain, left)
	for _, w := range p.Warnings {
		out.message(styled{yellow, "warning:"}, w)
	}
	if p.FirstUse {
		out.line("Root of trust, sha256: %s", p.RootDigest)
		out.wrapped(0, "It was trusted because it came first: compare it with what the vendor announces, or name it with --root.")
	}
	out.gap()
	what := fmt.Sprintf("%s, %s", count(p.Files, "file"), size(p.Contents))
	if !p.Digest.IsZero() {
		out.line("sha256: %s", p.Digest.Hex())
		what += " in " + size(p.Bytes)
	}
	r.say("Packed: %s (%s)", manifest.Path(p.Output), what)
}
