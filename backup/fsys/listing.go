package fsys

import "slices"

// Listing reads directories one after the other into the same memory, for who looks
// at a whole tree. The zero Listing is ready; it belongs to one goroutine.
type Listing struct {
	// Names are those in the directory, sorted bytewise. They stay valid, the slice
	// only until the next Read.
	Names []string

	buf  []byte
	text []byte // all names, one after the other
	ends []int  // where each ends in text
}

// Read lists d. What [Tree.Names] keeps quiet about is left out.
func (l *Listing) Read(d *Dir) error {
	l.Names, l.text, l.ends = l.Names[:0], l.text[:0], l.ends[:0]
	if err := l.read(d); err != nil {
		return d.pathError("", cause(err))
	}
	all, from := string(l.text), 0
	for _, to := range l.ends {
		l.Names = append(l.Names, all[from:to])
		from = to
	}
	slices.Sort(l.Names)
	if d.tree != nil && d.tree.named[d.path] {
		l.Names = slices.DeleteFunc(l.Names, func(n string) bool { return n == StoreName })
	}
	return nil
}
