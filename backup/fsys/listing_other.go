//go:build !linux

package fsys

// read fills l.names from a fresh handle, in whatever order the system has.
func (l *Listing) read(d *Dir) error {
	names, err := d.Names()
	for _, n := range names {
		l.text = append(append(l.text, n...), markPlain...)
		l.ends = append(l.ends, len(l.text))
	}
	return err
}
