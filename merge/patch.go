package merge

import (
	"bytes"
	"fmt"
	"strings"
)

// PatchSide is a file, or a symbolic link, on one side of a patch. Mode holds
// permission bits; the Data of a link is its target.
type PatchSide struct {
	Mode uint32
	Link bool
	Data []byte
}

func (s *PatchSide) mode() string {
	if s.Link {
		return "120000"
	}
	return fmt.Sprintf("100%03o", s.Mode&0o777)
}

// Text is what a patch has lines of; nil for a file that is not there.
func (s *PatchSide) Text() []byte {
	if s == nil {
		return nil
	}
	return s.Data
}

// Patch renders how the file oldName with a becomes newName with b, in the form of git
// diff, for git apply and patch -p1; nil stands for a file that is not there, and then
// its name does not count. A link that leads elsewhere, becomes a file, or
// was one, is taken away and made anew, since patch changes no link. No difference gives nil. ok is false for binary content, of which
// no such patch can be made.
func Patch(oldName, newName string, a, b *PatchSide) (patch []byte, ok bool) {
	switch {
	case a == nil && b == nil:
		return nil, true
	case a == nil:
		oldName = newName
	case b == nil:
		newName = oldName
	case a.Link != b.Link, a.Link && !bytes.Equal(a.Data, b.Data):
		gone, ok1 := Patch(oldName, oldName, a, nil)
		made, ok2 := Patch(newName, newName, nil, b)
		return append(gone, made...), ok1 && ok2
	}
	var from, to []byte
	var head bytes.Buffer
	fmt.Fprintf(&head, "diff --git %s %s\n", patchName("a/"+oldName), patchName("b/"+newName))
	labelA, labelB := "a/"+oldName, "b/"+newName
	empty := head.Len()
	switch {
	case a == nil:
		fmt.Fprintf(&head, "new file mode %s\n", b.mode())
		to, labelA = b.Data, "/dev/null"
	case b == nil:
		fmt.Fprintf(&head, "deleted file mode %s\n", a.mode())
		from, labelB = a.Data, "/dev/null"
		if len(from) == 0 {
			head.WriteString("index " + emptyBlob + "..0000000\n") // else patch asks whether this can be meant
		}
	default:
		from, to = a.Data, b.Data
		if !a.Link && a.Mode != b.Mode {
			fmt.Fprintf(&head, "old mode %s\nnew mode %s\n", a.mode(), b.mode())
		}
		if oldName != newName {
			fmt.Fprintf(&head, "rename from %s\nrename to %s\n", patchName(oldName), patchName(newName))
		}
	}
	same := a != nil && b != nil && bytes.Equal(from, to)
	if !same && (isBinary(from) || isBinary(to)) {
		return nil, false
	}
	body := Unified(from, to, labelA, labelB, 3)
	if body == nil && head.Len() == empty {
		return nil, true
	}
	return append(head.Bytes(), body...), true
}

// emptyBlob is how git calls empty content.
const emptyBlob = "e69de29"

// patchName is a name as the header lines want it, which end at a blank unless the name
// is quoted.
func patchName(name string) string {
	if q := quoteLabel(name); q != name || !strings.Contains(name, " ") {
		return q
	}
	return `"` + name + `"`
}
