#!/usr/bin/env python3
"""bench.py - the cases of bench.sh, and the table made of them.

bench.py run WORK DIR FS TREE RUNS ROWS   measures in DIR; WORK has the binaries and src/TREE
bench.py table ROWS                       prints the table of all rows in Markdown

Every case is a whole process, started cold but with its files in the page cache. Cases of
a group take turns, so that what else the machine does meets all of them alike. To the
time of those that never sync comes a `sync -f`, so that each is durable when it ends.
"""
import hashlib
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from datetime import datetime

GIT = "env GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b git -c core.bare=false -c gc.auto=0"
INFLATE = "zstd -d of what changed"  # the floor copies plain files, a repository holds compressed ones
AND_INFLATE = " + zstd -d"
FEW = 20_000  # trees of up to so many files are adopted anew for each run

# Peers that copy or read the whole tree: how often they run, by the number of files. They
# are many times slower than what they are compared with, so few runs tell as much.
SLOW = ("rsync -ac --backup", "rsync -a back", "cp -a + unzip -o", "git checkout")
SLOW_RUNS = ((5_000, 5), (FEW, 3), (1 << 30, 1))

# What is measured in a group, in the order of the table: name, and whether it is ours.
GROUPS = {
    "look": ["dry run, warm", "dry run, no stat cache", "verify, stat cache", "verify --full", "pb hashlist sha256 2",
             "pb walk raw2", "pb hash sha256 2", "find -printf", "git status", "rsync -anc"],
    "apply": ["update: stage + commit", "update: whole command", "pb apply flat syncfs", INFLATE, "rsync -ac --backup",
              "cp -a + unzip -o", "git checkout"],
    "revert": ["revert: commit", "revert: whole command", "pb revert", "rsync -a back"],
}

# The goals of the design: ours, what it is compared with, and the ratio wanted (ours over
# it at most; where it is negative, it over ours at least). By which trees: "" is all.
GOALS = [
    ("update: stage + commit", "pb apply flat syncfs" + AND_INFLATE, 1.15, ""),
    ("update: whole command", "pb apply flat syncfs" + AND_INFLATE, 1.6, ""),
    ("update: whole command", "rsync -ac --backup", -4, ""),
    ("update: whole command", "rsync -ac --backup", -12, "gen"),
    ("update: whole command", "cp -a + unzip -o", -15, ""),
    ("update: whole command", "git checkout", -2.5, ""),
    ("revert: whole command", "pb revert", 1.25, ""),
    ("revert: whole command", "rsync -a back", -20, ""),
    ("dry run, no stat cache", "pb hashlist sha256 2", 1.15, ""),
    ("dry run, no stat cache", "rsync -anc", -1.7, ""),
    ("dry run, no stat cache", "rsync -anc", -25, "gen10k"),
    ("dry run, warm", "find -printf", 0.5, "gen10k gen100k"),
    ("verify, stat cache", "pb walk raw2", 1.3, ""),
    ("verify, stat cache", "git status", 1.0, ""),
    ("verify --full", "pb hash sha256 2", 1.15, ""),
]


def sh(command):
    r = subprocess.run(["bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if r.returncode:
        sys.exit(f"bench: {command}: exit {r.returncode}: {r.stderr.decode()[-400:]}")


class Bench:
    def __init__(self, work, at, fs, tree, runs):
        self.work, self.at, self.fs, self.tree, self.runs = work, at, fs, tree, runs
        self.pb, self.inplace = f"{work}/pb", f"{work}/inplace"
        self.old, self.new, self.list = f"{at}/old", f"{at}/new", f"{at}/list"
        self.home, self.t, self.b = f"{at}/home", f"{at}/t", f"{at}/b"
        self.repo, self.keys = f"{at}/repo", f"{at}/keys"
        self.seen = {}  # case -> [(seconds, cpu seconds, peak KiB)]
        self.facts = {}

    def note(self, case, seconds, cpu=None, peak=None):
        self.seen.setdefault(case, []).append((seconds, cpu, peak))

    def time(self, case, command, durable=True, codes=(0,)):
        """Runs command, and sync -f after it unless it is durable by itself."""
        start = time.monotonic()
        argv = ["bash", "-c", command] if "&&" in command else shlex.split(command)
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        if os.waitstatus_to_exitcode(status) not in codes:
            sys.exit(f"bench: {self.tree} on {self.fs}: {command}: {err.decode()[-400:]}")
        if not durable:
            subprocess.run(["sync", "-f", self.at], check=True)
        self.note(case, time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def prepare(self):
        src = f"{self.work}/src/{self.tree}"
        shutil.rmtree(self.at, ignore_errors=True)
        os.makedirs(self.at)
        sh(f"cp -a {src}/old {self.old}; cp -a {src}/new {self.new}")
        sh(f"{self.pb} diff {self.old} {self.new} | sort -k2 >{self.list}; cp -a {self.old} {self.t}")
        sh(f"{self.inplace} release init {self.repo} --keys {self.keys} --product {self.old}/updates/product.yaml")
        for level, tree in ((0, self.old), (1, self.new)):
            self.time(f"release add {level}", f"{self.inplace} release add {self.repo} {tree} --level {level} --channel full --keys {self.keys}")
        sh(f"cd {self.new} && zip -qry {self.at}/new.zip .")
        sh(f"{GIT} init -q --bare {self.at}/git")
        for v in ("old", "new"):
            g = f"{GIT} --git-dir={self.at}/git --work-tree={self.at}/{v}"
            sh(f"{g} add -A -f && {g} commit -qm {v} && {g} tag {v}")
        sh(f"{GIT} --git-dir={self.at}/git --work-tree={self.t} checkout -qf old")
        with open(self.list) as f:
            changes = [line.rstrip("\n") for line in f]
        ops = [c[0] for c in changes]
        replaced = sum(os.lstat(f"{self.old}/{c[2:]}").st_size for c in changes if c[0] != "A")
        self.facts = {"files": int(subprocess.check_output(f"find {self.old} -type f | wc -l", shell=True)),
                      "changed": ops.count("M"), "added": ops.count("A"), "removed": ops.count("D"), "replaced": replaced}
        with open(f"{self.at}/blobs", "w") as f:
            for c in changes:
                if c[0] != "D" and os.path.isfile(f"{self.new}/{c[2:]}") and not os.path.islink(f"{self.new}/{c[2:]}"):
                    with open(f"{self.new}/{c[2:]}", "rb") as content:
                        d = hashlib.file_digest(content, "sha256").hexdigest()
                    f.write(f"{self.repo}/blobs/{d[:2]}/{d}.zst\n")
        sh(f"xargs -a {self.at}/blobs ls -Sr | head -2 >{self.at}/two")
        self.few = self.facts["files"] <= FEW
        self.adopt()

    def adopt(self):
        sh(f"rm -rf {self.home}; cp -a {self.old} {self.home}")
        self.time("adopt", f"{self.inplace} adopt {self.home} --source {self.repo}")
        sh(f"sync -f {self.at}; sleep 0.05")  # past the clock's tick, in which the stat cache answers nothing

    def restore(self):
        sh(f"rsync -ac --delete {self.old}/ {self.t}/; rm -rf {self.b}; sync -f {self.at}")

    def look(self):
        i, cache = f"{self.home}/bin/inplace", f"{self.home}/updates/installed/statcache"
        dry = f"{i} --home {self.home} --dry-run -q"
        git = f"{GIT} --git-dir={self.at}/git --work-tree={self.t}"
        sh(f"{git} reset -q --hard old")
        for n in range(self.runs + 1):
            if n == 1:
                for case in GROUPS["look"]:
                    self.seen.pop(case, None)  # the first round warms
            self.time("dry run, warm", dry)
            self.time("pb hashlist sha256 2", f"{self.pb} hashlist sha256 2 {self.home} {self.list}")
            self.time("find -printf", f"find {self.home} -printf '%s %T@\\n'")
            os.rename(cache, cache + ".aside")
            self.time("dry run, no stat cache", dry)
            os.rename(cache + ".aside", cache)
            self.time("verify, stat cache", f"{i} verify --home {self.home} -q", codes=(0, 10))
            self.time("pb walk raw2", f"{self.pb} walk raw2 {self.home}")
            self.time("git status", f"{git} status -s")
            self.time("rsync -anc", f"rsync -anci --delete {self.new}/ {self.t}/")
            self.time("verify --full", f"{i} verify --full --home {self.home} -q", codes=(0, 10))
            self.time("pb hash sha256 2", f"{self.pb} hash sha256 2 {self.home}")

    def ours(self, case, phases, *flags):
        events = f"{self.at}/events"
        sh(f"rm -f {events}; sync -f {self.at}")
        self.time(f"{case}: whole command", f"{self.home}/bin/inplace --home {self.home} {' '.join(flags)} -q --yes --events {events}")
        total, begun = 0.0, {}
        with open(events) as f:
            for line in f:
                e = json.loads(line)
                at = datetime.fromisoformat(e["time"][:26].rstrip("Z") + "+00:00").timestamp()
                if e["kind"] == "begin":
                    begun[e["phase"]] = at
                elif e["kind"] == "end" and e["phase"] in phases:
                    total += at - begun[e["phase"]]
        self.note(f"{case}: {' + '.join(phases)}", total)

    def apply(self, slow):
        if self.few:
            self.adopt()
        self.ours("update", ["stage", "commit"])
        self.facts["snapshot"] = self.snapshot()
        self.ours("revert", ["commit"], "--revert")
        self.restore()
        sh(f"mkdir {self.b}")
        self.time("pb apply flat syncfs", f"{self.pb} apply flat syncfs {self.t} {self.new} {self.b} {self.list} 2")
        self.inflate()
        self.restore()
        sh(f"mkdir {self.b}; {self.pb} apply exchange syncfs {self.t} {self.new} {self.b} {self.list} 2; sync -f {self.at}")
        self.time("pb revert", f"{self.pb} revert {self.t} {self.b} {self.list} 2")
        self.restore()
        if not slow:
            return
        self.time("rsync -ac --backup", f"rsync -a --checksum --delete --backup --backup-dir={self.b} {self.new}/ {self.t}/", durable=False)
        self.time("rsync -a back", f"rsync -a --delete {self.old}/ {self.t}/", durable=False)
        self.restore()
        self.time("cp -a + unzip -o", f"cp -a {self.t} {self.b} && unzip -oq {self.at}/new.zip -d {self.t}", durable=False)
        self.restore()
        git = f"{GIT} --git-dir={self.at}/git --work-tree={self.t}"
        sh(f"{git} reset -q --hard old; sync -f {self.at}")
        self.time("git checkout", f"{git} checkout -q new", durable=False)
        sh(f"{git} reset -q --hard old")

    def inflate(self):
        """Two zstd inflate what changed; less what starting two takes, for who inflates by itself starts none."""
        half = (self.facts["changed"] + self.facts["added"] + 1) // 2
        for case, n, files in (("all", half, "blobs"), ("start", 1, "two")):
            self.time(f"zstd: {case}", f"xargs -a {self.at}/{files} -P 2 -n {n} zstd -dqc")
        whole, start = (self.seen[f"zstd: {case}"][-1] for case in ("all", "start"))
        self.note(INFLATE, max(whole[0] - start[0], 0), max(whole[1] - start[1], 0))

    def snapshot(self):
        """How many bytes the newest snapshot takes."""
        base = f"{self.home}/updates/backups"
        newest = os.path.join(base, max(os.listdir(base)))
        return sum(os.lstat(os.path.join(p, f)).st_size for p, _, files in os.walk(newest) for f in files)

    def run(self, rows):
        begun = os.getloadavg()[0]
        self.prepare()
        self.look()
        slow = next(runs for files, runs in SLOW_RUNS if self.facts["files"] <= files)
        for n in range(self.runs):
            self.apply(n < slow)
        row = {"fs": self.fs, "tree": self.tree, "runs": self.runs, "facts": self.facts, "load": [begun, os.getloadavg()[0]], "cases": self.seen}
        done = json.load(open(rows)) if os.path.exists(rows) else []
        with open(rows, "w") as f:
            json.dump(done + [row], f)
        sh(f"rm -rf {self.at}")


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def spell(seconds):
    return f"{seconds:.2f} s" if seconds >= 10 else f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def value(row, case, k=0):
    return median([v[k] for v in row["cases"].get(case, [])])


def cell(row, case):
    """A case of one tree: time, processor time, and the number of runs where it differs."""
    seconds, cpu = value(row, case), value(row, case, 1)
    if seconds is None:
        return "-"
    runs = len(row["cases"][case])
    return spell(seconds) + (f" ({cpu * 1000:.0f})" if cpu is not None else "") + (f" /{runs}" if case in SLOW and runs < row["runs"] else "")


def head(first, rows):
    return f"| {first} | " + " | ".join(r["tree"] for r in rows) + " |\n" + "|---" * (first.count("|") + 1 + len(rows)) + "|"


def goal(row, ours, peer, want, trees):
    a, b = value(row, ours), value(row, peer.removesuffix(AND_INFLATE))
    more = value(row, INFLATE) if peer.endswith(AND_INFLATE) else 0
    if a is None or b is None or more is None or trees and not any(row["tree"].startswith(t) for t in trees.split()):
        return ""
    b += more
    ratio = a / b if want > 0 else b / a
    return f"{ratio:.2f}x" + ("" if (ratio <= want if want > 0 else ratio >= -want) else " **missed**")


def table(rows):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(next(line for line in open("/proc/meminfo")).split()[1]) >> 20
    go = subprocess.check_output(["go", "env", "GOVERSION"], text=True).strip()
    rev = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    print(f"Measured {datetime.now():%Y-%m-%d} at {rev}: {os.cpu_count()} cores {cpu}, {memory} GiB, Linux {platform.release()}, {go}. "
          f"Medians of {rows[0]['runs']}, after / of fewer; in brackets processor time in ms.\n")
    for fs in dict.fromkeys(r["fs"] for r in rows):
        here = [r for r in rows if r["fs"] == fs]
        print(f"## {fs}\n\n{head('case', here)}")
        print("| load average at begin and end | " + " | ".join("{:.1f}, {:.1f}".format(*r["load"]) for r in here) + " |")
        for cases in GROUPS.values():
            for case in cases:
                print(f"| {case} | " + " | ".join(cell(r, case) for r in here) + " |")
        print(f"\n{head('ours | against | goal', here)}")
        for ours, peer, want, trees in GOALS:
            cells = [goal(r, ours, peer, want, trees) for r in here]
            if any(cells):
                print(f"| {ours} | {peer} | {'<= ' if want > 0 else '>= '}{abs(want)}x | " + " | ".join(cells) + " |")
        print(f"\n{head('peak MiB of', here)}")
        for case in ("release add 0", "adopt", "dry run, warm", "update: whole command", "revert: whole command", "verify --full", "rsync -ac --backup"):
            print(f"| {case} | " + " | ".join(f"{max((v[2] or 0) for v in r['cases'][case]) / 1024:.0f}" if case in r["cases"] else "-" for r in here) + " |")
        print("| files; changed, added, removed | " + " | ".join("{files}; {changed}, {added}, {removed}".format(**r["facts"]) for r in here) + " |")
        print("| snapshot, KiB; of it old bytes | " + " | ".join(f"{r['facts']['snapshot'] / 1024:.0f}; {r['facts']['replaced'] / 1024:.0f}" for r in here) + " |\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"] and len(sys.argv) == 8:
        work, at, fs, tree, runs, rows = sys.argv[2:]
        Bench(work, at, fs, tree, int(runs)).run(rows)
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        table(json.load(open(sys.argv[2])))
    else:
        sys.exit(__doc__)
