package updater

import (
	"fmt"

	"inplace/manifest"
)

// LacksError reports a source that has a part of a repository only, and not the part that is
// needed here.
type LacksError struct {
	Source string
	Serves string // what it is good for, in words
	From   int64  // the level that is installed here
	To     int64  // and the one to go to; of an adopt 0
	Adopt  bool
	Count  int // contents that are missing
	First  manifest.Path
}

func (e *LacksError) Error() string {
	if e.Adopt {
		return fmt.Sprintf("%s: has no level in full to adopt: it is for %s", e.Source, e.Serves)
	}
	return fmt.Sprintf("%s: lacks %s that going from level %d to level %d takes (%s%s): it is for %s",
		e.Source, plural(e.Count, "content"), e.From, e.To, e.First, more(e.Count-1), e.Serves)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// lacks reports what the source does not have of the contents that the items may take, before
// any of it is asked for.
func (m *maker) lacks() error {
	if m.u.client == nil || m.u.client.Serves() == "" {
		return nil
	}
	e := &LacksError{Source: m.u.client.Source(), Serves: m.u.client.Serves(), From: m.in.Level, To: m.to.Level}
	for _, it := range m.items {
		asked := m.all || it.class != manifest.Data && it.class != manifest.Ignore
		old := it.base
		if m.all {
			old = nil
		}
		if !asked || !wants(old, it.theirs) || m.u.client.Holds(it.theirs.Digest) {
			continue
		}
		if e.Count++; e.Count == 1 {
			e.First = it.path
		}
	}
	if e.Count > 0 {
		return e
	}
	return nil
}

// beyond warns that the channel goes further than the source does.
func (u *Updater) beyond() []string {
	n := u.client.Beyond(u.channel())
	if n == 0 {
		return []string{}
	}
	return []string{fmt.Sprintf("the newest of channel %s is level %d, which %s does not have", u.channel(), n, u.client.Source())}
}
