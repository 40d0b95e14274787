package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// restoreScript is restore.sh: the way back with nothing but a POSIX shell and
// coreutils. It does what undoing the change does, in the same order, puts a slot
// back only if it holds the old bytes, and may be run again when interrupted. Its second
// line has the digest of those below it, by which [Snapshot.CheckScript] knows it again.
func restoreScript(head Head, entries []Entry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, restoreHead, quote(head.ID), head.Product, head.To.Level, head.From.Level, quote(head.ID))
	for _, r := range head.Roots {
		say(&b, "reach", quote("./"+r.store()), quote(r.Target))
	}
	work := reversed(changing(entries))
	for _, w := range waysTo(head, work) {
		say(&b, w.word, quote("./"+string(w.dir)))
	}
	at := ""
	for _, g := range groups(work) {
		for _, i := range g.entries {
			e := work[i]
			if store := twinOf(head, e); store != at {
				at = store
				say(&b, "at", quote(at))
			}
			slot, p := strconv.Itoa(e.Slot), quote("./"+string(e.Path))
			switch g.verb {
			case clearName:
				if e.Old.Kind == Whole {
					say(&b, "outwhole", slot, p)
				} else {
					say(&b, "out", slot, p)
				}
			case makeDir:
				say(&b, "dir", p, octal(e.New.Mode), fmt.Sprintf("%d:%d", e.New.UID, e.New.GID))
			case removeDir:
				say(&b, "nodir", p)
			case changeMode:
				say(&b, "mode", p, octal(e.New.Mode))
			case exchange, fillName:
				switch e.New.Kind {
				case File:
					if e.New.sameContent(e.Old) {
						say(&b, "file", slot, p, e.New.Digest.Hex(), octal(e.New.Mode))
					} else {
						say(&b, "file", slot, p, e.New.Digest.Hex())
					}
				case Link:
					say(&b, "link", slot, p, quote(e.New.Target))
				case Whole:
					say(&b, "whole", slot, p)
				case Absent:
					say(&b, "out", slot, p)
				}
			}
		}
	}
	for _, e := range work {
		if e.New.Kind == Dir && e.New.MTime > 0 {
			say(&b, "mtime", quote("./"+string(e.Path)), fmt.Sprintf("%d.%09d", e.New.MTime/1e9, e.New.MTime%1e9))
		}
	}
	b.WriteString(restoreTail)
	return append(fmt.Appendf(nil, "%s%s%s\n", scriptStart, scriptDigest, manifest.DigestOf(b.Bytes())), b.Bytes()...)
}

// say writes a line of words.
func say(b *bytes.Buffer, words ...string) {
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	b.WriteByte('\n')
}

func octal(mode uint32) string { return fmt.Sprintf("%04o", mode) }

// way is a directory on the way to what changes, and the word of the script for it.
type way struct {
	word string
	dir  manifest.Path
}

// waysTo lists the directories on the way to what work changes, each behind the one above it,
// but for followed ones and those that are something else on one side of the change. What
// the change itself makes or removes is looked at, the rest also made where it is not there.
func waysTo(head Head, work []Entry) []way {
	words := map[manifest.Path]string{"": ""}
	for i := range work {
		e := &work[i]
		if e.Class != Product {
			continue
		}
		words[e.Path] = "way"
		if e.Old.Kind != Dir && e.Old.Kind != Absent || e.New.Kind != Dir && e.New.Kind != Absent {
			words[e.Path] = ""
		}
	}
	for _, r := range head.Roots {
		words[r.Path] = ""
	}
	seen := map[manifest.Path]bool{}
	var out []way
	var add func(dir manifest.Path)
	add = func(dir manifest.Path) {
		if seen[dir] || dir == "" {
			return
		}
		seen[dir] = true
		add(dir.Parent())
		word, ok := words[dir]
		if !ok {
			word = "needs"
		}
		if word != "" {
			out = append(out, way{word, dir})
		}
	}
	for i := range work {
		if e := &work[i]; e.Class == Product || e.Class == Record {
			add(e.Path.Parent())
		}
	}
	return out
}

// twinOf is the store that the slot of e lies in, as a path for the script; "" for that of
// the installation.
func twinOf(head Head, e Entry) string {
	if r := RootOf(head.Roots, e.Path); r != nil && e.Class == Product {
		return "./" + r.store()
	}
	return ""
}

// quote makes one shell word of any bytes.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// CheckScript compares restore.sh with the digest that it was written with, and returns a
// *[DamagedError] where it is another. Those of early versions have none, and only have to be
// there.
func (s *Snapshot) CheckScript(tree *fsys.Tree) error {
	damaged := func(what string) error {
		return &DamagedError{ID: s.ID, Script: true, Paths: []string{"restore.sh: " + what}}
	}
	data, err := tree.ReadState(path.Join(s.Dir, "restore.sh"), 4*MaxEntriesBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return damaged("is missing")
	}
	if err != nil {
		return damaged(err.Error())
	}
	rest, ok := bytes.CutPrefix(data, []byte(scriptStart))
	if digest, below, has := bytes.Cut(rest, []byte("\n")); ok && bytes.HasPrefix(digest, []byte(scriptDigest)) {
		ok = has && string(digest[len(scriptDigest):]) == manifest.DigestOf(below).String()
	}
	if !ok {
		return damaged("is not as it was written")
	}
	return nil
}

// What the first two lines of a restore.sh begin with.
const (
	scriptStart  = "#!/bin/sh\n"
	scriptDigest = "# What follows: "
)

const restoreHead = `# Takes back update %[1]s of %[2]s (level %[3]d back to level %[4]d) without the updater.
# Stop the product first. Needs a POSIX shell and coreutils. May be run again.
#
#     sh restore.sh        put back what the update changed
#     sh restore.sh -n     only say what would be done
set -u
LC_ALL=C; export LC_ALL
unset CDPATH
dry=; [ "${1-}" = -n ] && dry=yes
here=$(cd -P -- "$(dirname -- "$0")" && pwd -P && printf x) || exit 1
here=${here%%
x}
case $here in
*/updates/stage) home=${here%%/updates/stage} ;;
*/updates/backups/*) home=${here%%/updates/backups/*} ;;
*) echo "restore.sh: must lie in updates/backups/ID of the installation" >&2; exit 2 ;;
esac
cd -P -- "$home" || exit 1
[ ! -e updates/COPY ] || { printf 'restore.sh: %%s is a second copy: copy it into updates/backups of the installation (cp -a), and run it there\n' "$here" >&2; exit 2; }
bad=0
base=$here
id=%[5]s
at() { # store: where the slots of what follows lie; '' with this script
  here=$base
  [ -n "$1" ] || return 0
  here=$1/backups/$id
  [ -d "$here" ] || here=$1/stage
}
reach() { # store target: a followed directory has to be there before anything is done
  at "$1"
  [ -d "$here/slots" ] || { printf 'restore.sh: %%s is not there: the old files that lie in %%s have to be, nothing was put back\n' "$here/slots" "$2" >&2; exit 1; }
  at ''
}
way() { # directory: behind a link there, nothing was changed
  [ ! -h "$1" ] || { printf 'restore.sh: %%s is a link, where the update changed a directory: put the directory back first, nothing was put back\n' "$1" >&2; exit 1; }
}
needs() { # directory that the update left alone: made where it is gone
  way "$1"
  [ ! -d "$1" ] || return 0
  [ ! -e "$1" ] || { printf 'restore.sh: %%s is in the way of a directory: move it away first, nothing was put back\n' "$1" >&2; exit 1; }
  [ -n "$dry" ] || mkdir -- "$1" || exit 1
}
say() { printf '%%s\n' "$1"; }
no() { printf 'not put back: %%s\n' "$1" >&2; bad=1; }
there() { [ -e "$1" ] || [ -h "$1" ]; }
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256; }
sum() { sha256sum < "$1" | cut -c 1-64; }
holds() { [ -f "$1" ] && [ ! -h "$1" ] && [ "$(sum "$1")" = "$2" ]; }
swap() { # slot path: the slot goes live, what was live into the slot
  s=$here/slots/$1
  [ -z "$dry" ] || { say "would put back $2"; return 0; }
  if there "$2"; then mv -f -- "$2" "$s.out" || { no "$2"; return 0; }; fi
  mv -f -- "$s" "$2" || { no "$2"; return 0; }
  if there "$s.out"; then mv -f -- "$s.out" "$s"; fi
  say "put back $2"
}
settle() { # slot path: ends an exchange that was interrupted between two renames
  s=$here/slots/$1
  if there "$s" && there "$2"; then return 0; fi
  spare=$here/aside/$1
  there "$spare" || spare=$s.out
  there "$spare" || return 0
  if there "$s" && [ "$spare" = "$s.out" ]; then return 0; fi # swap goes on from there
  if [ -n "$dry" ]; then s=$spare
  elif there "$s"; then mv -f -- "$spare" "$2"
  else mv -f -- "$spare" "$s"; fi
}
file() { # slot path digest [mode, if nothing else differs]
  settle "$1" "$2"
  if [ -n "${4-}" ] && holds "$2" "$3"; then mode "$2" "$4"
  elif holds "$s" "$3"; then swap "$1" "$2"
  elif holds "$2" "$3"; then :
  else no "$2: slot $1 does not hold the old bytes"; fi
}
link() { # slot path target
  settle "$1" "$2"
  if [ -h "$s" ] && [ "$(readlink -- "$s"; printf x)" = "$3
x" ]; then swap "$1" "$2"
  elif [ -h "$2" ] && [ "$(readlink -- "$2"; printf x)" = "$3
x" ]; then :
  else no "$2: slot $1 does not hold the old link"; fi
}
whole() { # slot path: what was made anew there since stays beside the slot
  s=$here/slots/$1
  there "$s" || return 0
  [ -z "$dry" ] || { say "would put back $2"; return 0; }
  if there "$2"; then mv -f -- "$2" "$s.out" || { no "$2"; return 0; }; fi
  mv -f -- "$s" "$2" && say "put back $2" || no "$2"
}
outwhole() { # slot path: an occupied slot tells that it is out already
  there "$here/slots/$1" || out "$1" "$2"
}
out() { # slot path: was not there before
  there "$2" || return 0
  [ -z "$dry" ] || { say "would take out $2"; return 0; }
  if there "$here/slots/$1"; then [ -d "$2" ] || no "$2: its place in the snapshot is taken"; return 0; fi
  mv -f -- "$2" "$here/slots/$1" && say "took out $2" || no "$2"
}
dir() { # path mode owner
  [ -d "$1" ] && [ ! -h "$1" ] && return 0
  [ -z "$dry" ] || { say "would make $1"; return 0; }
  mkdir -m "$2" -- "$1" || { no "$1"; return 0; }
  chown "$3" "$1" 2>/dev/null || :
}
nodir() { # path
  [ -d "$1" ] && [ ! -h "$1" ] || return 0
  [ -z "$dry" ] || { say "would remove directory $1"; return 0; }
  rmdir -- "$1" 2>/dev/null || say "kept directory $1: it is not empty"
}
mode() { # path mode
  [ -z "$dry" ] || { say "would set mode $2 of $1"; return 0; }
  chmod "$2" -- "$1" || no "$1"
}
mtime() { # path seconds, with fraction where touch takes one
  [ -n "$dry" ] || [ ! -d "$1" ] || touch -c -d "@$2" "$1" 2>/dev/null || touch -c -d "@${2%%.*}" "$1" 2>/dev/null || :
}

`

const restoreTail = `
if [ -n "$dry" ]; then exit 0; fi
if [ "$bad" != 0 ]; then
  echo "restore.sh: not everything could be put back; see above" >&2
  exit 1
fi
sync
rm -f -- updates/journal && sync && rm -f -- updates/OPEN && sync
say "done: the installation is as it was before the update"
`
