package running

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// removed is what the kernel appends to the path of a file that has no name any more.
const removed = " (deleted)"

// rank orders the reasons, strongest first.
var rank = [...]string{Executes, Maps, HasOpen}

// use collects what is known of one process.
type use struct {
	Process
}

// note records that the process uses the file at an absolute path, if that lies in
// the installation and counts; it returns the relative path then.
func (s *scanner) note(u *use, why, path string) (rel string, counts bool) {
	rel, ok := s.below(path)
	if !ok {
		return "", false
	}
	deleted := false
	if name, ok := strings.CutSuffix(rel, removed); ok {
		// A file may really be called "x (deleted)": then that name is there.
		if _, err := os.Lstat(path); err != nil {
			rel, deleted = name, true
		}
	}
	if s.skip != nil && s.skip(rel) {
		return "", false
	}
	if stronger(why, rel, &u.Process) {
		u.Why, u.Path, u.Deleted = why, rel, deleted
	}
	return rel, true
}

// stronger says whether a reason and path come before what p already states.
func stronger(why, path string, p *Process) bool {
	if p.Why == "" {
		return true
	}
	if c := cmp.Compare(slices.Index(rank[:], why), slices.Index(rank[:], p.Why)); c != 0 {
		return c < 0
	}
	return path < p.Path
}

// maps notes the files mapped by a process. A line of /proc/PID/maps is
//
//	START-END PERMS OFFSET DEVICE INODE      PATH
//
// with PERMS such as `r-xp` or `rw-s`. In PATH a line feed, and nothing else, is
// written as `\012`, so that a path with these four characters in its name looks the
// same: both readings are tried.
func (s *scanner) maps(pid int, u *use) error {
	f, err := os.Open(s.file(pid, "maps"))
	if err != nil {
		return err
	}
	defer f.Close()
	if s.lines == nil {
		s.lines = bufio.NewReaderSize(nil, 64<<10)
	}
	in := s.lines
	in.Reset(f)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // no path is that long; the pieces of such a line match nothing
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.mayName(line) {
			continue
		}
		perms, path := splitMap(line)
		if len(path) == 0 || path[0] != '/' {
			continue // anonymous memory, [heap], [stack]
		}
		s.noteMap(u, perms, string(path))
	}
}

// mayName reports whether line can have a path that counts. Most have none, and there are
// thousands.
func (s *scanner) mayName(line []byte) bool {
	for _, r := range s.roots {
		start, _, _ := strings.Cut(r.prefix, "\n")
		if bytes.Contains(line, []byte(start)) {
			return true
		}
	}
	return false
}

// noteMap records a mapped path in the reading that names a file below the
// installation; of two that do, the one that is there.
func (s *scanner) noteMap(u *use, perms []byte, path string) {
	readings := []string{path}
	if strings.Contains(path, `\012`) {
		readings = append(readings, strings.ReplaceAll(path, `\012`, "\n"))
		if _, err := os.Lstat(path); err != nil {
			slices.Reverse(readings)
		}
	}
	for _, p := range readings {
		if rel, counts := s.note(u, Maps, p); counts {
			if bytes.ContainsRune(perms, 'w') && bytes.ContainsRune(perms, 's') {
				u.Writer = true
				s.writers[rel] = true
			}
			return
		}
	}
}

// splitMap cuts a line of maps into its permissions and its path.
func splitMap(line []byte) (perms, path []byte) {
	rest := bytes.TrimSuffix(line, []byte("\n"))
	for i := range 5 {
		var word []byte
		word, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
		if i == 1 {
			perms = word
		}
	}
	return perms, bytes.TrimLeft(rest, " ")
}
