package updater

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"inplace/manifest"
	"inplace/updater/settings"
)

// AdoptedError says what an adopt was told that is not so, of an installation that is adopted
// already and was left as it is.
type AdoptedError struct {
	Home string
	Not  []string // "--flag VALUE: what is so", at least one
}

func (e *AdoptedError) Error() string {
	return manifest.Path(e.Home).String() + ": is adopted already, and was left as it is, which is not as told: " + strings.Join(e.Not, "; ")
}

// told compares what adopt was told with what is set, or was when the installation was adopted. Where that
// cannot be read nothing is said.
func (a *adopter) told(opt AdoptOptions, s *settings.Settings) error {
	e := &AdoptedError{Home: a.tree.Path()}
	not := func(flag, told, is string) {
		if told != "" && told != is {
			e.Not = append(e.Not, fmt.Sprintf("--%s %s: it is %s", flag, manifest.Path(told), manifest.Path(is)))
		}
	}
	source := opt.Source
	if source != "" && !strings.Contains(source, "://") {
		if abs, err := filepath.Abs(source); err == nil {
			source = abs
		}
	}
	not("source", source, s.Source)
	not("channel", opt.Channel, s.Channel)
	not("launcher", strings.TrimSuffix(opt.Launcher, ".sh"), s.Launcher)
	for _, p := range opt.Follow {
		if !slices.Contains(s.Follow, p) {
			e.Not = append(e.Not, "--follow "+p.String()+": it is not followed")
		}
	}
	if opt.HasBase {
		list, _ := (&Updater{tree: a.tree}).History()
		for _, h := range slices.Backward(list) {
			if h.Action == "adopt" {
				not("base", fmt.Sprint(opt.Base), fmt.Sprint(h.To))
				break
			}
		}
	}
	if trust, err := readTrust(a.tree); err == nil && strings.HasPrefix(opt.Root, "sha256:") {
		not("root", opt.Root, "sha256:"+trust.Fingerprint())
	}
	if len(e.Not) == 0 {
		return nil
	}
	return e
}
