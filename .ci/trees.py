#!/usr/bin/env python3
"""Trees of files: list them, and say what an update has to make of one.

    trees.py list DIR [--times] [--owners] [--skip GLOB]...
    trees.py expect BASE OURS THEIRS OUT [--config GLOB]... [--data GLOB]... [--absent GLOB]...
    trees.py relink DIR

This is the expectation the walk compares the updater with, so it shares nothing with
it: it knows the decision table of the design and nothing else, reads whole trees
instead of inventories, and leaves the merging of lines to `git merge-file`. It is
written to be read next to that table, not to be fast.

list    one sorted line per path: kind, mode, digest or link target, path; with
        --times also the modification time of files and links, with --owners the owner.
expect  makes OUT, which must not exist, from the release that is installed (BASE), the
        installation (OURS) and the release to go to (THEIRS). Conflicts are printed,
        one path per line; then OUT is not made and the exit code is 3.
relink  makes symbolic links that lead out of DIR, or nowhere, relative ones to a file
        of the same name below DIR/lib; where there is none, the link is removed.
"""
import argparse
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile


def glob_re(pattern):
    """The globs of the manifest: * and ? within a segment, ** for zero or more."""
    out, parts = "", pattern.split("/")
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            if last:
                out = out[:-1] + "(?:/.*)?" if out else ".*"
            else:
                out += "(?:[^/]+/)*"
            continue
        out += "".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in part)
        out += "" if last else "/"
    return re.compile(out + r"\Z", re.S)


def matcher(patterns):
    compiled = [glob_re(p) for p in patterns or []]
    return lambda path: any(r.match(path) for r in compiled)


class Node:
    """One path of a tree: kind f, d, l or s (special), mode bits, and what it holds."""

    def __init__(self, path):
        st = os.lstat(path)
        self.file, self.st, self.mode, self.value = path, st, stat.S_IMODE(st.st_mode), ""
        if stat.S_ISDIR(st.st_mode):
            self.kind = "d"
        elif stat.S_ISLNK(st.st_mode):
            self.kind, self.mode, self.value = "l", 0, os.readlink(path)
        elif stat.S_ISREG(st.st_mode):
            self.kind = "f"
            with open(path, "rb") as f:
                self.value = hashlib.file_digest(f, "sha256").hexdigest() if hasattr(
                    hashlib, "file_digest") else hashlib.sha256(f.read()).hexdigest()
        else:
            self.kind = "s"

    def what(self):
        return self.kind, self.value

    def all(self):
        return self.kind, self.value, self.mode


def same(a, b):
    return (a.all() if a else None) == (b.all() if b else None)


def scan(top, skip=lambda path: False):
    nodes = {}
    for folder, dirs, files in os.walk(top):
        rel = os.path.relpath(folder, top)
        for name in list(dirs) + files:
            path = name if rel == "." else rel + "/" + name
            if skip(path):
                if name in dirs:
                    dirs.remove(name)
                continue
            nodes[path] = Node(os.path.join(folder, name))
    return nodes


def parents(path):
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def cmd_list(args):
    nodes = scan(args.dir, matcher(args.skip))
    for path in sorted(nodes, key=os.fsencode):
        n = nodes[path]
        line = [n.kind, "%04o" % n.mode, n.value or "-"]
        if args.times:
            line.append("-" if n.kind == "d" else str(n.st.st_mtime_ns))
        if args.owners:
            line.append("%d:%d" % (n.st.st_uid, n.st.st_gid))
        print(*line, repr(path))


def merge_lines(base, ours, theirs):
    """The bytes of a clean merge, None for a conflict."""
    with tempfile.TemporaryDirectory() as tmp:
        names = []
        for name, node in (("ours", ours), ("base", base), ("theirs", theirs)):
            names.append(os.path.join(tmp, name))
            shutil.copyfile(node.file, names[-1])
        done = subprocess.run(["git", "merge-file", "-p", *names], capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None


class Expectation:
    """The decision table. Each result is a Node to take, or bytes with a mode."""

    def __init__(self, base, ours, theirs, args):
        self.base, self.ours, self.theirs = base, ours, theirs
        self.config, self.data, self.absent = matcher(args.config), matcher(args.data), matcher(args.absent)
        self.result, self.conflicts = {}, []
        # Directories of the vendor that the operator removed whole.
        self.gone = {p for p, n in base.items() if n.kind == "d" and p not in ours}
        for path in sorted(base.keys() | ours.keys() | theirs.keys()):
            self.decide(path)
        self.keep_parents()

    def decide(self, path):
        b, o, t = self.base.get(path), self.ours.get(path), self.theirs.get(path)
        if self.data(path):
            self.take(path, o)
        elif not o and (self.gone & {path, *parents(path)} or self.absent(path)):
            pass  # stays deleted, additions below it too
        elif same(o, b):
            self.take(path, t)
        elif same(t, b) or same(t, o):
            self.take(path, o)
        elif not o and not t:
            pass  # both removed it
        elif b and o and t and b.kind == o.kind == t.kind:
            self.both(path, b, o, t)
        else:
            self.conflicts.append(path)

    def both(self, path, b, o, t):
        """Both sides changed a path whose kind stays: content and mode on their own."""
        if o.mode != b.mode and t.mode not in (b.mode, o.mode):
            self.conflicts.append(path)
            return
        mode = t.mode if o.mode == b.mode else o.mode
        if o.value == b.value or o.value == t.value:
            self.take(path, t, mode)
        elif t.value == b.value:
            self.take(path, o, mode)
        elif b.kind == "f" and self.config(path):
            merged = merge_lines(b, o, t)
            if merged is None:
                self.conflicts.append(path)
            self.result[path] = ("f", merged, mode)
        else:
            self.conflicts.append(path)

    def take(self, path, node, mode=None):
        if node:
            self.result[path] = (node.kind, node, node.mode if mode is None else mode)

    def keep_parents(self):
        """A directory the vendor removed stays while something else lies in it."""
        for path in list(self.result):
            for p in parents(path):
                if p not in self.result and p in self.ours:
                    self.take(p, self.ours[p])

    def write(self, out):
        os.mkdir(out)
        for path in sorted(self.result):
            kind, what, _ = self.result[path]
            target = os.path.join(out, path)
            if kind == "d":
                os.mkdir(target, 0o755)
            elif kind == "l":
                os.symlink(what.value, target)
            elif isinstance(what, bytes):
                with open(target, "wb") as f:
                    f.write(what)
            else:
                shutil.copyfile(what.file, target)
        for path in sorted(self.result, reverse=True):  # a directory may become unwritable
            kind, _, mode = self.result[path]
            if kind != "l":
                os.chmod(os.path.join(out, path), mode)


def cmd_expect(args):
    e = Expectation(scan(args.base), scan(args.ours), scan(args.theirs), args)
    if e.conflicts:
        print("\n".join(e.conflicts))
        return 3
    e.write(args.out)
    return 0


def cmd_relink(args):
    top = os.path.realpath(args.dir)
    for path, node in scan(top).items():
        if node.kind != "l":
            continue
        full = os.path.join(top, path)
        inside = os.path.realpath(full).startswith(top + os.sep)
        if inside and not os.path.isabs(node.value) and os.path.exists(full):
            continue
        os.unlink(full)
        lib = os.path.join(top, "lib", os.path.basename(node.value))
        if os.path.lexists(lib):
            os.symlink(os.path.relpath(lib, os.path.dirname(full)), full)
        else:
            print("left out: %s -> %s" % (path, node.value), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("list")
    p.add_argument("dir")
    p.add_argument("--times", action="store_true")
    p.add_argument("--owners", action="store_true")
    p.add_argument("--skip", action="append")
    p.set_defaults(run=cmd_list)
    p = commands.add_parser("expect")
    for name in ("base", "ours", "theirs", "out"):
        p.add_argument(name)
    for name in ("--config", "--data", "--absent"):
        p.add_argument(name, action="append")
    p.set_defaults(run=cmd_expect)
    p = commands.add_parser("relink")
    p.add_argument("dir")
    p.set_defaults(run=cmd_relink)
    args = parser.parse_args()
    return args.run(args) or 0


if __name__ == "__main__":
    sys.exit(main())
