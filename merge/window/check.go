package window

import "bytes"

// follows tells whether each name stands in the merged text as the three-way rule says,
// and with the words that it has on the side that changed it.
func follows(b, o, t, merged *text, names int) bool {
	words := func(x *text, id int32) []byte {
		if i := x.find(id); i >= 0 {
			return x.words(i, i+1)
		}
		return nil
	}
	for id := int32(1); int(id) < names; id++ {
		base, ours, theirs := words(b, id), words(o, id), words(t, id)
		want := ours
		switch {
		case bytes.Equal(ours, theirs), bytes.Equal(theirs, base):
		case bytes.Equal(ours, base):
			want = theirs
		default:
			return false
		}
		if !bytes.Equal(words(merged, id), want) {
			return false
		}
	}
	return true
}
