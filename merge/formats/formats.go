package formats

import "inplace/merge/detect"

// The formats that files are merged in; package detect tells which one a file has.
const (
	Properties = detect.Properties
	INI        = detect.INI
	XML        = detect.XML
	YAML       = detect.YAML
	JSON       = detect.JSON
	JSONC      = detect.JSONC
	TOML       = detect.TOML
	Env        = detect.Env
	Shell      = detect.Shell
	Directive  = detect.Directive
	Nginx      = detect.Nginx
	Lines      = detect.Lines
)

// Detect returns the format of the file at the slash-separated path, whose first bytes
// are head.
func Detect(path string, head []byte) string { return detect.Format(path, head) }
