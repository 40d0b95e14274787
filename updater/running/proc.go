package running

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Limits of what is read at once.
const (
	dirBatch  = 256     // directory entries per read
	smallFile = 8 << 10 // stat, status, fdinfo: a few hundred bytes in practice
)

// Bits of /proc/PID/stat and /proc/PID/fdinfo/N, from the kernel's
// include/linux/sched.h and the open(2) constants of every Linux architecture.
const (
	flagKernelThread = 0x00200000
	accessMode       = 0o3 // of the octal flags: 0 read, 1 write, 2 both
)

// scanners is how many goroutines share the process list.
const scanners = 2

// scanner is one pass over the process list, or over a share of it.
type scanner struct {
	proc    string
	roots   []rootDir // the installation, then what belongs to it elsewhere
	skip    func(string) bool
	exclude map[int]bool
	writers map[string]bool
	report  Report
	lines   *bufio.Reader // of one process after the other
	buf     []byte        // likewise, for small files
}

// rootDir is a directory whose files count.
type rootDir struct {
	prefix string // its resolved path with a closing slash
	rel    string // what stands for that in the installation
}

// below is the path in the installation of an absolute one.
func (s *scanner) below(path string) (rel string, ok bool) {
	for _, r := range s.roots {
		if rest, ok := strings.CutPrefix(path, r.prefix); ok {
			return r.rel + rest, true
		}
	}
	return "", false
}

func (s *scanner) file(pid int, name ...string) string {
	return s.proc + "/" + strconv.Itoa(pid) + "/" + strings.Join(name, "/")
}

// scan examines every process but the excluded ones.
func (s *scanner) scan() error {
	if _, err := os.Lstat(s.file(1)); errors.Is(err, fs.ErrNotExist) {
		s.report.Hidden = true // every process namespace has a process 1: /proc is mounted with hidepid=2
	}
	var pids []int
	err := eachName(s.proc, func(name string) {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 && !s.exclude[pid] {
			pids = append(pids, pid)
		}
	})
	if err != nil {
		return err
	}
	var shares [scanners]scanner
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range shares {
		share := &shares[i]
		*share = scanner{proc: s.proc, roots: s.roots, skip: s.skip, writers: map[string]bool{}}
		wg.Go(func() {
			for n := int(next.Add(1)); n <= len(pids); n = int(next.Add(1)) {
				share.process(pids[n-1])
			}
		})
	}
	wg.Wait()
	for i := range shares {
		s.report.Processes = append(s.report.Processes, shares[i].report.Processes...)
		s.report.Unseen += shares[i].report.Unseen
		maps.Copy(s.writers, shares[i].writers)
	}
	return nil
}

// process examines one process and reports what it uses.
func (s *scanner) process(pid int) {
	u, err := s.examine(pid)
	switch {
	case gone(err):
		return
	case err != nil:
		s.report.Unseen++
	}
	if u.Why != "" {
		u.UID = s.uid(pid)
		s.report.Processes = append(s.report.Processes, u.Process)
	}
}

// examine finds how one process uses the installation; Why stays "" when it does
// not. An error means that not all of it could be read; what was found before still
// counts.
//
// Most processes use nothing, and many are threads of the kernel, which execute nothing:
// the name is looked up last.
func (s *scanner) examine(pid int) (use, error) {
	u := use{Process: Process{PID: pid}}
	var faults []error
	exe, unread := os.Readlink(s.file(pid, "exe"))
	if unread == nil {
		s.note(&u, Executes, exe)
	} else {
		st, err := s.stat(pid)
		if err != nil || st.flags&flagKernelThread != 0 || st.state == "Z" {
			return u, err
		}
		faults = append(faults, unread)
	}
	faults = append(faults, s.maps(pid, &u), s.descriptors(pid, &u))
	if u.Why != "" {
		st, err := s.stat(pid)
		if err != nil {
			return use{}, err
		}
		u.Name = st.name
	}
	for _, err := range faults {
		if err != nil && !gone(err) {
			return u, err
		}
	}
	return u, nil
}

// descriptors notes the regular files that a process holds open.
func (s *scanner) descriptors(pid int, u *use) error {
	return eachName(s.file(pid, "fd"), func(fd string) {
		link := s.file(pid, "fd", fd)
		target, err := os.Readlink(link)
		if err != nil {
			return
		}
		if _, ok := s.below(target); !ok {
			return
		}
		// The link leads to the open file itself, whatever its name is by now.
		if info, err := os.Stat(link); err != nil || !info.Mode().IsRegular() {
			return
		}
		if rel, counts := s.note(u, HasOpen, target); counts && s.writable(pid, fd) {
			u.Writer = true
			s.writers[rel] = true
		}
	})
}

// writable says whether a descriptor was opened for writing; one that cannot be
// read counts as such.
func (s *scanner) writable(pid int, fd string) bool {
	text, err := s.readSmall(s.file(pid, "fdinfo", fd))
	if err != nil {
		return !gone(err)
	}
	flags, err := strconv.ParseUint(field(text, "flags:"), 8, 64)
	return err != nil || flags&accessMode != 0
}

// procStat is what is needed of /proc/PID/stat.
type procStat struct {
	name   string
	state  string
	parent int
	flags  uint64
}

// stat reads /proc/PID/stat: `PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS ...`,
// where NAME may itself hold spaces and parentheses.
func (s *scanner) stat(pid int) (procStat, error) {
	text, err := s.readSmall(s.file(pid, "stat"))
	if err != nil {
		return procStat{}, err
	}
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return procStat{}, fmt.Errorf("%s: want a name in parentheses", s.file(pid, "stat"))
	}
	rest := strings.Fields(text[end+1:])
	if len(rest) < 7 {
		return procStat{}, fmt.Errorf("%s: want 9 fields at least, got %d", s.file(pid, "stat"), len(rest)+2)
	}
	st := procStat{name: text[open+1 : end], state: rest[0]}
	if st.parent, err = strconv.Atoi(rest[1]); err != nil {
		return procStat{}, fmt.Errorf("%s: parent: %w", s.file(pid, "stat"), err)
	}
	if st.flags, err = strconv.ParseUint(rest[6], 10, 64); err != nil {
		return procStat{}, fmt.Errorf("%s: flags: %w", s.file(pid, "stat"), err)
	}
	return st, nil
}

// uid is the effective user of a process, -1 where it cannot be read.
func (s *scanner) uid(pid int) int {
	text, err := s.readSmall(s.file(pid, "status"))
	if err != nil {
		return -1
	}
	_, effective, _ := strings.Cut(field(text, "Uid:"), "\t") // real, effective, saved, file system
	effective, _, _ = strings.Cut(effective, "\t")
	uid, err := strconv.Atoi(effective)
	if err != nil {
		return -1
	}
	return uid
}

// ancestors lists the parents of a process up to the first of its namespace or the
// first that may not be read.
func (s *scanner) ancestors(pid int) []int {
	var out []int
	seen := map[int]bool{pid: true}
	for {
		st, err := s.stat(pid)
		if err != nil || st.parent <= 0 || seen[st.parent] {
			return out
		}
		pid = st.parent
		seen[pid] = true
		out = append(out, pid)
	}
}

// field returns the rest of the line that starts with name, without blanks around it.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// readSmall reads a file of /proc up to a fixed size.
func (s *scanner) readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if s.buf == nil {
		s.buf = make([]byte, smallFile)
	}
	n, err := io.ReadFull(f, s.buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return string(s.buf[:n]), err
}

// eachName calls fn for the entries of a directory, in batches.
func eachName(dir string, fn func(name string)) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(dirBatch)
		for _, name := range names {
			fn(name)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// gone reports that a process, or a file of it, ended while it was looked at.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}
