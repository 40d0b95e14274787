#!/usr/bin/env python3
"""ways.py - a random walk over updates, reverts, restore.sh and edits, on which none may be lost.

Usage: .ci/ways.py [--seeds FIRST-LAST] [--steps N] [-v]

A small product of five levels is installed once for each seed (default 1-3), and N steps are
taken (default 60): an operator edits, adds or removes a file, or runs one of

  --level N    --revert    --revert --to ID [--exact | --keep-edits] [--with-data]
  verify --fix .           sh updates/backups/ID/restore.sh, of the newest snapshot

Each edit has a mark of its own. Retention is off. After each run

  - its exit code is one that such a run may have, and backups verify finds nothing damaged, but
    that restore.sh took an edit out of the way
  - each mark that was live before is live or in a snapshot; one in the configuration, or in the
    data before an update that copies it, is so for good
  - after --revert --to ID --exact the configuration is what it was before the run that made the
    snapshot ID, byte for byte, with its modes and links

Needs go; INPLACE names the binary to try instead of this checkout's. The seed that fails is told, and leads to the same steps again.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = re.compile(rb"MARK[0-9]+;")
LEVELS = 5
CONFIG = [f"conf/{d}{n}" for d in ("", "sub/") for n in ("a.properties", "b.yaml", "c.xml", "d.txt")]
PLAIN = ["bin/start.sh", "lib/core.jar", "lib/same.jar"]
DATA = "database/db"
MAY = {0, 1, 2, 3, 6}  # done; refused; wrong together; conflicts; damaged, after restore.sh


def content(name, level):
    """A file as the release of the level has it: every other line changes now and then."""
    line = {"properties": "k%d=%d", "yaml": "k%d: %d", "xml": '  <e id="k%d" v="%d"/>'}.get(name.rsplit(".")[-1], "line %d %d")
    lines = [line % (i, level // (i + 1)) for i in range(8)]
    if name.endswith(".xml"):
        lines = ["<c>", *lines, "</c>"]
    return "\n".join(lines) + "\n"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def release(tree, level):
    for name in CONFIG + PLAIN[:2]:
        write(f"{tree}/{name}", content(name, level), 0o755 if name == "bin/start.sh" and level % 2 else 0o644)
    write(f"{tree}/{PLAIN[2]}", "always the same\n")
    write(f"{tree}/lib/v{level}/only.jar", f"of level {level}\n")
    write(f"{tree}/{DATA}", "shipped\n")
    if level % 2:
        write(f"{tree}/conf/turns", "a file in odd levels\n")
    else:
        os.symlink("a.properties", f"{tree}/conf/turns")
    write(f"{tree}/updates/product.yaml", f'schema: inplace/product/1\nname: walk\nversion: "{level}"\nconfig: ["conf/**"]\ndata: ["database/**"]\n')


class Walk:
    def __init__(self, at, inplace, seed, verbose):
        self.at, self.inplace, self.verbose = at, inplace, verbose
        self.home, self.random, self.marks = f"{at}/home", random.Random(seed), 0
        self.kept, self.held = set(), {}  # marks that stay for good; configuration before the run of an ID
        self.copies = self.random.random() < .5
        shutil.copytree(f"{at}/0", self.home, symlinks=True)
        self.run("adopt", self.home, "--source", f"{at}/repo", home=False)
        with open(f"{self.home}/updates/settings.yaml", "a") as f:
            f.write(f"backup: {{keep: 10000, max-age: none, max-size: none, data: {'copy' if self.copies else 'none'}}}\n")

    def run(self, *argv, home=True):
        argv = [self.inplace, *argv, *(["--home", self.home] if home else [])]
        return subprocess.run(argv, cwd=self.at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def fail(self, why, output=""):
        raise AssertionError(f"{why}\n{output}")

    def found(self, *below, without=()):
        marks = set()
        for top in below:
            for d, dirs, files in os.walk(f"{self.home}/{top}"):
                dirs[:] = [n for n in dirs if n not in without]
                for n in files:
                    if not os.path.islink(f"{d}/{n}"):
                        with open(f"{d}/{n}", "rb") as f:
                            marks.update(MARK.findall(f.read()))
        return marks

    def configuration(self):
        out = {}
        for d, _, files in os.walk(f"{self.home}/conf"):
            for n in files:
                p = f"{d}/{n}"
                if os.path.islink(p):
                    out[p] = os.readlink(p)
                    continue
                with open(p, "rb") as f:
                    out[p] = (f.read(), os.stat(p).st_mode)
        return out

    def snapshots(self):
        at = f"{self.home}/updates/backups"
        return sorted(os.listdir(at)) if os.path.isdir(at) else []

    def edit(self):
        pick = self.random.choice([*CONFIG, *PLAIN, DATA, "conf/turns", *(f"conf/own{i}" for i in range(3))])
        path = f"{self.home}/{pick}"
        if os.path.lexists(path) and self.random.random() < .3:
            os.unlink(path)
            return f"removes {pick}"
        if os.path.islink(path):
            return "looks"
        self.marks += 1
        old = ""
        if os.path.exists(path) and self.random.random() < .7:
            with open(path) as f:
                old = f.read()
        mark = f"MARK{self.marks};"
        write(path, old + (f"<!-- {mark} -->\n" if pick.endswith(".xml") else f"# {mark}\n"))
        return f"writes {mark} to {pick}"

    def command(self, ids):
        side = ["--on-conflict", self.random.choice(["ours", "theirs"])]
        pick = self.random.random()
        if pick < .45 or not ids:
            return ["--level", str(self.random.randrange(LEVELS)), *side]
        if pick < .6:
            return ["--revert"]
        if pick < .7:
            return ["verify", "--fix", "."]
        if pick < .78:
            return ["sh", f"{self.home}/updates/backups/{ids[-1]}/restore.sh"]
        how = self.random.choice([[], [], ["--exact"], ["--keep-edits", *side]])
        return ["--revert", "--to", self.random.choice(ids), *how, *(["--with-data"] if self.random.random() < .2 else [])]

    def step(self):
        if self.random.random() < .45:
            return self.edit()
        ids, before, then = self.snapshots(), self.found("", without=("updates",)), self.configuration()
        argv = self.command(ids)
        seen = self.found("conf") | (self.found("database") if self.copies and argv[0] == "--level" else set())
        if argv[0] == "sh":
            r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.held.pop(ids[-1], None)
        else:
            r = self.run(*argv)
        done = f"{' '.join(argv).replace(self.home + '/', '')}: {r.returncode}"
        if r.returncode not in MAY:
            self.fail(done, r.stdout)
        if r.returncode == 0:
            fresh = set(self.snapshots()) - set(ids)
            self.held.update((id, then) for id in fresh)
            if fresh and argv[0] != "sh":
                self.kept |= seen
            if "--exact" in argv and argv[2] in self.held:
                now = self.configuration()
                for p, was in self.held[argv[2]].items():
                    if now.get(p) != was:
                        self.fail(f"{done}: {p} was {was!r}, is {now.get(p)!r}", r.stdout)
        lost = (self.kept | before) - self.found("")
        if lost:
            self.fail(f"{done}: lost {lost}", r.stdout)
        v = self.run("backups", "verify")
        if v.returncode != 0 and "restore.sh took out of the way" not in v.stdout:
            self.fail(f"{done}: backups verify: {v.returncode}", v.stdout)
        return done


def main():
    p = argparse.ArgumentParser(usage=__doc__.split("Usage: ")[1].split("\n")[0])
    p.add_argument("--seeds", default="1-3")
    p.add_argument("--steps", type=int, default=60)
    p.add_argument("-v", action="store_true")
    opt = p.parse_args()
    first, _, last = opt.seeds.partition("-")
    with tempfile.TemporaryDirectory() as at:
        inplace = os.environ.get("INPLACE") or f"{at}/inplace"
        if not os.environ.get("INPLACE"):
            subprocess.run(["go", "build", "-o", inplace, "."], cwd=HERE, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        os.environ.update(INPLACE_PASSPHRASE="", INPLACE_CACHE_DIR=f"{at}/cache")
        for level in range(LEVELS):
            release(f"{at}/{level}", level)
        quiet = {"cwd": at, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([inplace, "release", "init", "repo", "--keys", "keys", "--product", "0/updates/product.yaml"], **quiet)
        for level in range(LEVELS):
            subprocess.run([inplace, "release", "add", "repo", str(level), "--level", str(level), "--channel", "full", "--keys", "keys"], **quiet)
        for seed in range(int(first), int(last or first) + 1):
            walk = Walk(at, inplace, seed, opt.v)
            for n in range(opt.steps):
                try:
                    did = walk.step()
                except AssertionError as e:
                    sys.exit(f"ways: seed {seed}, step {n + 1}: {e}")
                if opt.v:
                    print(f"{n + 1:4} {did}")
            print(f"seed {seed}: {opt.steps} steps, {walk.marks} edits, {len(walk.snapshots())} snapshots: none lost")
            shutil.rmtree(walk.home)


main()
