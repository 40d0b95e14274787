package cli

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// edges says which of our packages each package may import, and why the rule is so.
// Anything else is a mistake in the layout, or a decision to be written down first.
var edges = map[string]struct {
	may []string
	why string
}{
	"inplace":                            {[]string{"updater/cli", "updater/quick"}, "main only starts the command line, after what can be answered first"},
	"inplace/backup":                     {[]string{"backup/fsys", "backup/sealed", "manifest"}, "snapshots know paths and digests, not releases"},
	"inplace/backup/full":                {[]string{"backup", "backup/fsys"}, "a copy of everything, by paths alone"},
	"inplace/backup/fsys":                {nil, "the only code that touches an installation knows nothing of its meaning"},
	"inplace/backup/sealed":              {nil, "a sealed text is only that"},
	"inplace/manifest":                   {[]string{"manifest/strictyaml"}, "formats are a leaf: no disk, no engine"},
	"inplace/manifest/strictyaml":        {nil, "a leaf"},
	"inplace/manifest/subscription":      {nil, "tokens are a leaf"},
	"inplace/manifest/repository":        {[]string{"manifest", "manifest/subscription", "backup/fsys"}, "trust and transport need formats and files, not installations"},
	"inplace/merge":                      {nil, "merging is a pure leaf"},
	"inplace/merge/formats":              {[]string{"merge", "merge/*"}, "it puts the mergers of the formats and their proof together"},
	"inplace/merge/proof":                {nil, "a check that shares code with what it checks checks nothing"},
	"inplace/merge/*":                    {[]string{"merge", "merge/tree"}, "a format merges by the rules of merge and of trees"},
	"inplace/updater":                    {[]string{"manifest", "manifest/repository", "manifest/repository/bundle", "manifest/repository/web", "manifest/subscription", "merge", "merge/formats", "merge/proof", "backup", "backup/fsys", "backup/full", "backup/sealed", "updater/archive", "updater/conflict", "updater/credentials", "updater/journal", "updater/mask", "updater/running", "updater/service", "updater/settings"}, "the engine never prints"},
	"inplace/updater/archive":            {[]string{"manifest", "backup/fsys"}, "it writes what it is given, and knows no releases"},
	"inplace/updater/conflict":           {[]string{"backup/fsys", "backup/sealed", "manifest", "merge"}, "records on the disk, and how a text compares with the one that was laid out"},
	"inplace/updater/journal":            {[]string{"backup/fsys", "backup/sealed"}, "a record on the disk"},
	"inplace/updater/logs":               {[]string{"backup/fsys"}, "it writes lines into files of the installation, and knows no runs"},
	"inplace/updater/mask":               {nil, "a pure leaf"},
	"inplace/updater/running":            {[]string{"manifest"}, "it needs printable paths only"},
	"inplace/updater/report":             {[]string{"manifest", "merge", "updater"}, "a form in which a plan is shown"},
	"inplace/updater/service":            {[]string{"manifest", "updater/mask"}, "commands and probes, for which paths are printed without secrets"},
	"inplace/updater/quick":              {[]string{"merge/detect", "merge/window"}, "what it imports is set up before it, and has to be light"},
	"inplace/updater/settings":           {[]string{"manifest", "manifest/strictyaml"}, "a file format"},
	"inplace/updater/cli":                {[]string{"updater", "updater/*", "manifest", "manifest/repository", "manifest/repository/*", "manifest/subscription", "backup", "backup/fsys", "merge", "merge/formats"}, "the edge: it shows what the engine says, and merges one file for git"},
	"inplace/manifest/repository/serve":  {[]string{"manifest/repository", "manifest/subscription"}, "it hands out files, to who may have them, and reads none"},
	"inplace/manifest/repository/bundle": {[]string{"manifest", "manifest/repository"}, "a form in which files of a repository lie; it trusts none"},
	"inplace/manifest/repository/web":    {[]string{"manifest/repository", "backup/fsys"}, "it fetches files of a repository, and trusts none"},
	"inplace/updater/credentials":        {nil, "a leaf: files, a program, and what is asked for"},
}

// outside says which of our packages may import a module, so that each can be
// exchanged in one place.
var outside = map[string][]string{
	"github.com/golang-jwt/jwt/v5":            {"inplace/manifest/subscription"},
	"filippo.io/age":                          {"inplace/manifest/repository"},
	"github.com/klauspost/compress":           {"inplace/manifest/repository", "inplace/updater/archive"},
	"github.com/sigstore/sigstore":            {"inplace/manifest/repository"},
	"github.com/theupdateframework/go-tuf/v2": {"inplace/manifest/repository"},
	"golang.org/x/sys":                        {"inplace/backup/fsys"},
	"github.com/otiai10/copy":                 {"inplace/backup/full"},
	"github.com/sergi/go-diff":                {"inplace/merge"},
	"github.com/pelletier/go-toml/v2":         {"inplace/merge/proof", "inplace/merge/toml"},
	"github.com/tailscale/hujson":             {"inplace/merge/proof", "inplace/merge/json"},
	"gopkg.in/yaml.v3":                        {"inplace/manifest/strictyaml", "inplace/merge/yaml", "inplace/merge/proof"},
	"github.com/urfave/cli/v2":                {"inplace/updater/cli"},
	"golang.org/x/term":                       {"inplace/updater/cli"},
}

// goPackage is what `go list -json` tells of a package.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T, system string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.." // the module
	cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// TestImports holds the packages against the rules above, on every system.
func TestImports(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		packages := listPackages(t, system)
		if len(packages) < 10 {
			t.Fatalf("%s: want at least 10 packages, got %d", system, len(packages))
		}
		for _, p := range packages {
			for _, i := range p.Imports {
				if fault := importFault(p.ImportPath, i); fault != "" {
					t.Errorf("%s: %s imports %s: %s", system, p.ImportPath, i, fault)
				}
			}
		}
	}
}

// importFault says why from must not import what, or "".
func importFault(from, what string) string {
	if own, ok := strings.CutPrefix(what, "inplace/"); ok || what == "inplace" {
		rule, ok := edges[from]
		if !ok {
			rule, ok = edges[parentOf(from)+"/*"]
		}
		if !ok {
			return "the package has no rule yet"
		}
		if slices.Contains(rule.may, own) || slices.Contains(rule.may, parentOf(own)+"/*") {
			return ""
		}
		return "not allowed: " + rule.why
	}
	if !strings.Contains(strings.Split(what, "/")[0], ".") {
		return "" // the standard library
	}
	for _, module := range slices.Sorted(maps.Keys(outside)) {
		if what == module || strings.HasPrefix(what, module+"/") {
			if slices.Contains(outside[module], from) {
				return ""
			}
			return "only " + strings.Join(outside[module], ", ") + " may"
		}
	}
	return "the module has no rule yet"
}

func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

// TestImportFault shows that the rules can be broken.
func TestImportFault(t *testing.T) {
	tests := []struct {
		from, what string
		ok         bool
	}{
		{"inplace", "inplace/updater/cli", true},
		{"inplace", "inplace/updater", false},
		{"inplace/merge", "inplace/manifest", false},
		{"inplace/merge/proof", "inplace/merge", false},
		{"inplace/merge/xml", "inplace/merge", true},
		{"inplace/merge/xml", "inplace/merge/proof", false},
		{"inplace/merge/formats", "inplace/merge/xml", true},
		{"inplace/merge/formats", "inplace/updater/settings", false},
		{"inplace/merge/xml", "inplace/merge/tree", true},
		{"inplace/updater", "inplace/updater/cli", false},
		{"inplace/updater/cli", "inplace/updater/running", true},
		{"inplace/updater", "os", true},
		{"inplace/updater", "gopkg.in/yaml.v3", false},
		{"inplace/manifest/strictyaml", "gopkg.in/yaml.v3", true},
		{"inplace/merge", "example.com/new", false},
	}
	for _, tt := range tests {
		if got := importFault(tt.from, tt.what); (got == "") != tt.ok {
			t.Errorf("importFault(%s, %s): want allowed: %v, got %q", tt.from, tt.what, tt.ok, got)
		}
	}
}
