// Package formats puts the mergers of all formats and the proof of their results
// together: Merge gives a result that may be used, or conflicts.
package formats

import (
	"inplace/merge"
	"inplace/merge/detect"
	"inplace/merge/env"
	"inplace/merge/ini"
	"inplace/merge/json"
	"inplace/merge/nginx"
	"inplace/merge/proof"
	"inplace/merge/properties"
	"inplace/merge/toml"
	"inplace/merge/tree"
	"inplace/merge/xml"
	"inplace/merge/yaml"
)

// Structures returns the mergers by format, for merge.Options.
func Structures() map[string]merge.Structure {
	return map[string]merge.Structure{
		Properties: tree.Structure(properties.Format()),
		INI:        tree.Structure(ini.Format()),
		Directive:  tree.Structure(ini.Directives()),
		Env:        env.Structure(),
		Shell:      env.Script(),
		Nginx:      tree.Structure(nginx.Format()),
		XML:        tree.Structure(xml.Format()),
		JSON:       tree.Structure(json.Format()),
		JSONC:      tree.Structure(json.Commented()),
		TOML:       tree.Structure(toml.Format()),
		YAML:       tree.Structure(yaml.Format()),
	}
}

// Merge merges by structure in the format, else by lines, and proves what is clean: a
// clean result of Merge may be used. What cannot be proven is merged by lines, and
// where that is not proven either it is a conflict whose reason says why. Format in
// opt, and Structures, are set here. JSON of which a side has comments is JSONC.
func Merge(format string, base, ours, theirs []byte, opt merge.Options) merge.Result {
	if format == JSON && (detect.HasComment(base) || detect.HasComment(ours) || detect.HasComment(theirs)) {
		format = JSONC
	}
	opt.Format, opt.Structures = format, Structures()
	r := merge.Merge(base, ours, theirs, opt)
	if !r.Clean() || r.Method == merge.MethodEqual {
		return r
	}
	unproven := proof.Check(format, base, ours, theirs, r.Merged)
	if unproven == nil {
		return r
	}
	if r.Method == merge.MethodStructure {
		opt.Structures = nil
		lines := merge.Merge(base, ours, theirs, opt)
		if !lines.Clean() || proof.Check(format, base, ours, theirs, lines.Merged) == nil {
			lines.Notes = append(lines.Notes, merge.Note{Text: "merged by lines: the merge by structure could not be proven: " + unproven.Error()})
			return lines
		}
	}
	return merge.WholeFile(base, ours, theirs, "the merged text could not be proven right: "+unproven.Error(), opt)
}
