package fsys

import "slices"

// Listing reads directories one after the other into the same memory, for who looks
// at a whole tree. The zero Listing is ready; it belongs to one goroutine.
type Listing struct {
	// Names are those in the directory, sorted bytewise. They stay valid, the slice
	// only until the next Read.
	Names []string
	// Regular says of each name whether the directory itself calls it a regular file.
	// Not every system and file system does.
	Regular []bool

	buf  []byte
	text []byte // all names, one after the other, each with its mark
	ends []int  // where each ends in text
}

// The mark that follows a name in text: two bytes, of which the first keeps the order of
// the names, since no name has it.
const (
	markPlain   = "\x00-"
	markRegular = "\x00f"
)

// Read lists d. What [Tree.Names] keeps quiet about is left out.
func (l *Listing) Read(d *Dir) error {
	l.Names, l.Regular, l.text, l.ends = l.Names[:0], l.Regular[:0], l.text[:0], l.ends[:0]
	if err := l.read(d); err != nil {
		return d.pathError("", cause(err))
	}
	all, from := string(l.text), 0
	quiet := d.tree != nil && d.tree.named[d.path]
	for _, to := range l.ends {
		if name := all[from:to]; !quiet || name[:len(name)-len(markPlain)] != StoreName {
			l.Names = append(l.Names, name)
		}
		from = to
	}
	slices.Sort(l.Names)
	for i, name := range l.Names {
		end := len(name) - len(markPlain)
		l.Names[i] = name[:end]
		l.Regular = append(l.Regular, name[end:] == markRegular)
	}
	return nil
}
