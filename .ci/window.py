#!/usr/bin/env python3
"""window.py - how long a product has to stand still for an update, prepared and not, beside
what people use today.

Usage: .ci/window.py [-n RUNS] [-d DIR] [--files N] [--changed N] [--size MiB] [-o FILE.md]

A tree of N files (default 10,000) and about MiB (default 1024), of which some (default 500)
change between two releases, is updated RUNS times (default 5) by each way, in turns, so
that what else the machine does meets all of them alike; medians are shown. Files are in the
page cache. To the time of those that never sync comes a `sync -f`, so that each is durable
when it ends.

  run            the whole command: the window of who stops the product by hand around it
  stop to start  how long the product stands still where the settings say how it is stopped and
                 started (here by commands that do nothing): what the run itself says of its window

Needs go, git's worktree of this program, ../shared/tools/gentree, rsync, zip, unzip.
"""
import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIG = "repository/conf"
WAYS = ["update", "update, prepared", "update, prepared, a file edited since", "--prepare itself",
        "rsync -ac --backup", "cp -a + unzip -o"]


def sh(*argv, cwd=None, codes=(0,)):
    r = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode not in codes:
        sys.exit(f"window: {' '.join(argv)}: exit {r.returncode}: {r.stderr.decode()[-400:]}")
    return r.stdout


def pad(tree, name, size):
    """Makes a file longer by size bytes that do not compress, the same for both releases."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    with open(os.path.join(tree, name), "ab") as f:
        f.write(random.Random(seed).randbytes(size))


class Window:
    def __init__(self, opt, at):
        self.opt, self.at = opt, at
        self.old, self.new, self.home, self.t, self.b = (f"{at}/{n}" for n in ("old", "new", "home", "t", "backup"))
        self.inplace, self.repo = f"{at}/inplace", f"{at}/repo"
        self.seen = {w: [] for w in WAYS}  # (run, window) in seconds

    def trees(self):
        share = self.opt.changed / self.opt.files
        sh("go", "run", ".", "-out", self.at, "-files", str(self.opt.files), "-changed", str(share), "-added", "0", "-removed", "0",
           cwd=f"{HERE}/../shared/tools/gentree")
        names = [os.path.relpath(os.path.join(p, f), self.old) for p, _, files in os.walk(self.old) for f in files]
        big = sorted(n for n in names if n.endswith((".jar", ".png", ".so")))
        have = sum(os.path.getsize(f"{self.old}/{n}") for n in names)
        more = max(0, self.opt.size * (1 << 20) - have) // max(1, len(big))
        for tree in (self.old, self.new):
            for n in big:
                pad(tree, n, more)
            os.makedirs(f"{tree}/updates", exist_ok=True)
            with open(f"{tree}/updates/product.yaml", "w") as f:
                f.write(f'schema: inplace/product/1\nname: window\nversion: "1"\nconfig: ["{CONFIG}/**"]\n')
        self.names, self.bytes = names, have + more * len(big)
        self.edited = self.changed_config()

    def changed_config(self):
        """A changed configuration file, above whose first line an operator can write a comment."""
        for n in sorted(self.names):
            if n.startswith(CONFIG) and n.endswith((".properties", ".toml")):
                with open(f"{self.old}/{n}", "rb") as a, open(f"{self.new}/{n}", "rb") as b:
                    x, y = a.read().splitlines(), b.read().splitlines()
                    if x != y and x[:3] == y[:3]:
                        return n
        sys.exit("window: no changed configuration file to edit; take another number of files")

    def prepare(self):
        sh("go", "build", "-trimpath", "-o", self.inplace, ".", cwd=HERE)
        self.trees()
        sh(self.inplace, "release", "init", self.repo, "--keys", f"{self.at}/keys", "--product", f"{self.old}/updates/product.yaml")
        for level, tree in (("0", self.old), ("1", self.new)):
            sh(self.inplace, "release", "add", self.repo, tree, "--level", level, "--channel", "full", "--keys", f"{self.at}/keys")
        sh("zip", "-qry", f"{self.at}/new.zip", ".", cwd=self.new)
        sh("cp", "-a", self.old, self.home)
        sh("cp", "-a", self.old, self.t)
        sh(self.inplace, "adopt", self.home, "--source", self.repo)
        with open(f"{self.home}/updates/settings.yaml", "a") as f:
            f.write("service: {stop: ['true'], start: ['true']}\n")
        self.settle()

    def settle(self):
        sh("sync", "-f", self.at)
        time.sleep(0.05)  # past the clock's tick, in which the stat cache answers nothing

    def ours(self, *flags):
        out = sh(self.inplace, "--home", self.home, "--json", "--yes", *flags)
        return json.loads(out).get("outcome", {}).get("window_ns", 0) / 1e9

    def time(self, way, fn, durable=True):
        self.settle()
        start = time.monotonic()
        window = fn()
        if not durable:
            sh("sync", "-f", self.at)
        self.seen[way].append((time.monotonic() - start, window))

    def back(self):
        self.ours("--revert")

    def edit(self, change):
        with open(f"{self.home}/{self.edited}", "r+b") as f:
            text = change(f.read())
            f.seek(0)
            f.write(text)
            f.truncate()

    def round(self):
        self.time("update", self.ours)
        self.back()
        self.time("--prepare itself", lambda: self.ours("--prepare"))
        self.time("update, prepared", self.ours)
        self.back()
        self.ours("--prepare")
        self.edit(lambda text: b"# edited\n" + text)
        self.time("update, prepared, a file edited since", self.ours)
        self.back()
        self.edit(lambda text: text.removeprefix(b"# edited\n"))
        self.time("rsync -ac --backup", lambda: sh("rsync", "-ac", "--delete", "--backup", f"--backup-dir={self.b}", f"{self.new}/", f"{self.t}/"), durable=False)
        self.restore()
        self.time("cp -a + unzip -o", lambda: (sh("cp", "-a", self.t, self.b), sh("unzip", "-oq", f"{self.at}/new.zip", "-d", self.t)), durable=False)
        self.restore()

    def restore(self):
        shutil.rmtree(self.b)
        sh("rsync", "-ac", "--delete", f"{self.old}/", f"{self.t}/")

    def table(self):
        rev = sh("git", "rev-parse", "--short", "HEAD", cwd=HERE).decode().strip()
        fs = sh("stat", "-f", "-c", "%T", self.at).decode().strip()
        spell = lambda s: f"{s:.2f} s" if s >= 1 else f"{s * 1000:.0f} ms"
        lines = [f"{len(self.names)} files, {self.bytes >> 20} MiB, {self.opt.changed} changed, on {fs}; at {rev}, {os.cpu_count()} cores, "
                 f"Linux {platform.release()}; medians of {self.opt.n}; load average {os.getloadavg()[0]:.1f}.", "", "| way | run | stop to start |", "|---|---|---|"]
        for way in WAYS:
            run = statistics.median(r for r, _ in self.seen[way])
            ours = [e for _, e in self.seen[way] if isinstance(e, float) and e > 0]
            lines.append(f"| {way} | {spell(run)} | {spell(statistics.median(ours)) if ours else '-'} |")
        return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", type=int, default=5)
    p.add_argument("-d", default="/var/tmp")
    p.add_argument("--files", type=int, default=10_000)
    p.add_argument("--changed", type=int, default=500)
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("-o")
    opt = p.parse_args()
    for tool in ("go", "rsync", "zip", "unzip"):
        if not shutil.which(tool):
            sys.exit(f"window: {tool} is not installed")
    at = tempfile.mkdtemp(prefix="inplace-window.", dir=opt.d)
    os.environ.update(INPLACE_PASSPHRASE="", INPLACE_CACHE_DIR=f"{at}/cache", CGO_ENABLED="0", LC_ALL="C")
    try:
        w = Window(opt, at)
        w.prepare()
        for _ in range(opt.n):
            w.round()
        text = w.table()
        if opt.o:
            with open(opt.o, "w") as f:
                f.write(text)
        print(text, end="")
    finally:
        shutil.rmtree(at)


if __name__ == "__main__":
    main()
