package backup

import "slices"

// verb is what has to be done for an entry.
type verb int

const (
	clearName  verb = iota // a file or link moves out of the way of a directory; a whole out of the tree
	makeDir                // a directory is made
	exchange               // slot and live path change places; either may be absent
	removeDir              // a directory that has become empty goes
	fillName               // a file or link takes the name of a directory that went
	changeMode             // permission bits change in place
)

// group is entries that need the same, in the order in which it is done.
type group struct {
	verb    verb
	entries []int32 // indices
}

// groups sorts entries, which go from Old to New, into the order in which a crash
// between any two steps leaves something that can be finished and undone: directories
// first in and last out, names freed before they are taken.
func groups(entries []Entry) []group {
	var by [changeMode + 1][]int32
	for i := range entries {
		e, at := &entries[i], int32(i)
		if e.Class != Product && e.Class != Record {
			continue
		}
		slotted := e.Slot != NoSlot
		switch {
		case e.ModeOnly():
			by[changeMode] = append(by[changeMode], at)
		case e.New.Kind == Dir:
			if slotted && e.Old.moves() {
				by[clearName] = append(by[clearName], at)
			}
			by[makeDir] = append(by[makeDir], at)
		case e.Old.Kind == Dir:
			by[removeDir] = append(by[removeDir], at)
			if slotted && e.New.moves() {
				by[fillName] = append(by[fillName], at)
			}
		case e.Old.Kind == Whole:
			by[clearName] = append(by[clearName], at)
		case slotted:
			by[exchange] = append(by[exchange], at)
		}
	}
	slices.Reverse(by[removeDir])
	var out []group
	for v, list := range by {
		if len(list) > 0 {
			out = append(out, group{verb(v), list})
		}
	}
	return out
}

func reversed(entries []Entry) []Entry {
	out := make([]Entry, len(entries))
	for i, e := range entries {
		out[i] = e.Reversed()
	}
	return out
}

// changing is entries without those of configuration, which are the most of some lists
// and take no part in a change.
func changing(entries []Entry) []Entry {
	end := len(entries) // they are sorted last; groups passes over any other
	for end > 0 && entries[end-1].Class == Config {
		end--
	}
	return entries[:end]
}
