#!/usr/bin/env python3
"""link-bench.py - how fast updates come over HTTP on loopback, beside curl and wget, and how
one server bears many installations that check at once.

Usage: .ci/link-bench.py [-n RUNS] [-d DIR] [--size MiB] [--files N] [--checks N] [-o FILE.md]

Two products whose newer level brings one large file (default 512 MiB) and many small ones
(default 2,000 of 4 to 6 KiB), none of which can be compressed, are served by `inplace serve`.
Each way takes them RUNS times (default 5), in turns; medians are shown. Caches are empty each
time, what is served is in the page cache, and to those that never sync comes a `sync -f`.
Small files are not removed before the end: ext4 looks long for room where many have just gone.

  --prepare      the level is fetched, verified and staged: what an update has to do before it begins
  fetch          all levels, verified, into one bundle; the cache keeps them as well
  curl, wget     the same contents under the same addresses, by the same server; verified where it says so

The checks (default 300) are as many installations, each a process with a cache of its own,
started at the same time. Needs go, git's worktree of this program, curl, wget.
"""
import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
# Ways to take each product; the goal is how long ours may take of what curl or wget does.
WAYS = {"large": ["--prepare", "fetch", "curl", "curl, sha256sum"],
        "small": ["--prepare", "fetch", "wget -r", "wget -r, sha256sum"]}
GOALS = {"large": ("curl", 1.3), "small": ("wget -r", 1.0)}


def sh(*argv, cwd=None, env=None):
    r = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode != 0:
        sys.exit(f"link-bench: {' '.join(argv)}: exit {r.returncode}: {r.stderr.decode()[-400:]}")
    return r.stdout.decode()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


class Product:
    """A repository with two levels of a product, and the server of it."""

    def __init__(self, bench, name, fill):
        self.bench, self.name, at = bench, name, f"{bench.at}/{name}"
        self.at, self.repo = at, f"{at}/repo"
        self.seen = {w: [] for w in WAYS.get(name, ())}
        for level in "01":
            write(f"{at}/{level}/conf/server.properties", b"port = 80\n")
            write(f"{at}/{level}/bin/start.sh", b"#!/bin/sh\n")
            write(f"{at}/{level}/updates/product.yaml", f'schema: inplace/product/1\nname: {name}\nversion: "1.{level}"\nconfig: ["conf/**"]\n'.encode())
        fill(f"{at}/1")
        sh(bench.inplace, "release", "init", self.repo, "--keys", f"{at}/keys", "--product", f"{at}/0/updates/product.yaml")
        for level in "01":
            sh(bench.inplace, "release", "add", self.repo, f"{at}/{level}", "--level", level, "--channel", "full", "--keys", f"{at}/keys")
        self.server = subprocess.Popen([bench.inplace, "serve", self.repo, "--listen", "127.0.0.1:0", "--address-file", f"{at}/address",
                                        "--access-log", f"{at}/access.log"], stdout=subprocess.DEVNULL)
        while not os.path.exists(f"{at}/address"):
            if self.server.poll() is not None:
                sys.exit("link-bench: the server ended")
            time.sleep(0.01)
        with open(f"{at}/address") as f:
            self.url = f.read().strip()
        self.contents = [os.path.relpath(os.path.join(p, n), self.repo) for p, _, names in os.walk(f"{self.repo}/blobs") for n in names]
        with open(f"{at}/index.html", "w") as f:
            f.writelines(f'<a href="{self.url}/{c}">{c}</a>\n' for c in self.contents)
        self.bytes = sum(os.path.getsize(f"{self.repo}/{c}") for c in self.contents)

    def adopt(self, home, env=None):
        shutil.copytree(f"{self.at}/0", home)
        sh(self.bench.inplace, "adopt", home, "--source", self.url, "--root", f"{self.repo}/metadata/1.root.json", env=env)

    def take(self, way):
        b, out = self.bench, f"{self.at}/out-{len(self.seen[way])}-{WAYS[self.name].index(way)}"
        os.mkdir(out)
        if way == "--prepare":
            self.adopt(f"{out}/home", {**os.environ, "INPLACE_CACHE_DIR": f"{out}/adopted"})
        sh("sync", "-f", out)
        os.environ["INPLACE_CACHE_DIR"] = f"{out}/cache"
        start = time.monotonic()
        if way == "--prepare":
            sh(b.inplace, "--home", f"{out}/home", "--yes", "--prepare")
        elif way == "fetch":
            sh(b.inplace, "fetch", "--source", self.url, "--root", f"{self.repo}/metadata/1.root.json", "-o", f"{out}/bundle")
        else:
            if way.startswith("curl"):
                largest = max(self.contents, key=lambda c: os.path.getsize(f"{self.repo}/{c}"))
                sh("curl", "-sSf", "-o", f"{out}/file", f"{self.url}/{largest}")
            else:
                sh("wget", "-q", "-r", "-l", "1", "-x", "-nH", "--force-html", "-i", f"{self.at}/index.html", "-P", out)
            if way.endswith("sha256sum"):
                sh("find", out, "-type", "f", "-exec", "sha256sum", "{}", "+")
            sh("sync", "-f", out)
        self.seen[way].append(time.monotonic() - start)
        got = sum(os.path.getsize(os.path.join(p, n)) for p, _, names in os.walk(out) for n in names)
        if got < 0.95 * self.bytes:
            sys.exit(f"link-bench: {way}: took {got} bytes of {self.bytes}")
        if self.name == "large":
            shutil.rmtree(out)

    def peak(self):
        with open(f"/proc/{self.server.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

    def processor(self):
        with open(f"/proc/{self.server.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, opt, at):
        self.opt, self.at = opt, at
        self.inplace = f"{at}/inplace"
        self.products, self.checks = [], []
        sh("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", self.inplace, ".", cwd=HERE)

    def start(self):
        self.large = self.add("large", self.fill_large)
        self.small = self.add("small", self.fill_small)
        self.many = self.add("many", lambda tree: write(f"{tree}/lib/a.jar", os.urandom(4096)))

    def add(self, name, fill):
        p = Product(self, name, fill)
        self.products.append(p)
        return p

    def stop(self):
        for p in self.products:
            p.server.terminate()
            p.server.wait()

    def fill_large(self, tree):
        os.makedirs(f"{tree}/lib")
        with open(f"{tree}/lib/large.bin", "wb") as f:
            for _ in range(self.opt.size):
                f.write(os.urandom(MIB))

    def fill_small(self, tree):
        for i in range(self.opt.files):
            write(f"{tree}/lib/{i % 20}/{i}.jar", os.urandom(4096 + i % 2048))

    def env(self, k):
        return {**os.environ, "INPLACE_CACHE_DIR": f"{self.at}/checks/cache-{k}"}

    def check_at_once(self):
        for k in range(self.opt.checks):
            if not self.checks:
                self.many.adopt(f"{self.at}/checks/{k}", self.env(k))
            shutil.rmtree(f"{self.at}/checks/cache-{k}", ignore_errors=True)
        used, start, running, took = self.many.processor(), time.monotonic(), {}, []
        for k in range(self.opt.checks):
            p = subprocess.Popen([self.inplace, "--home", f"{self.at}/checks/{k}", "check"], env=self.env(k), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running[p.pid] = p, time.monotonic()  # kept: who lets go of a Popen has it waited for
        begun = time.monotonic() - start
        while running:
            pid, status = os.wait()
            code = os.waitstatus_to_exitcode(status)
            if code != 10:
                sys.exit(f"link-bench: a check gave {code}, want 10")
            took.append(time.monotonic() - running.pop(pid)[1])
        took.sort()
        self.checks.append((begun, time.monotonic() - start, took[len(took) // 2], took[len(took) * 95 // 100], took[-1], self.many.processor() - used))

    def table(self):
        rev = sh("git", "rev-parse", "--short", "HEAD", cwd=HERE).strip()
        fs = sh("stat", "-f", "-c", "%T", self.at).strip()
        spell = lambda s: f"{s:.2f} s" if s >= 1 else f"{s * 1000:.0f} ms"
        lines = [f"At {rev}, on {fs}; {os.cpu_count()} cores, Linux {platform.release()}; medians of {self.opt.n}; load average {os.getloadavg()[0]:.1f}.", "",
                 "| what | way | time | MiB/s | of the peer | goal |", "|---|---|---|---|---|---|"]
        for p in (self.large, self.small):
            peer, goal = GOALS[p.name]
            base = statistics.median(p.seen[peer])
            what = f"one file of {p.bytes // MIB} MiB" if p is self.large else f"{len(p.contents)} files, {p.bytes // MIB} MiB"
            for way, seen in p.seen.items():
                took = statistics.median(seen)
                ours = way in ("--prepare", "fetch")
                mark = "" if not ours else f"<= {goal}x" + (" **-**" if took > goal * base else "")
                lines.append(f"| {what} | {way} | {spell(took)} | {p.bytes / took / MIB:.0f} | {took / base:.2f}x | {mark} |")
        begun, whole, half, most, worst, used = (statistics.median(c) for c in zip(*self.checks))
        lines += ["", f"{self.opt.checks} checks at once, all started within {spell(begun)}: the last was done after {spell(whole)}. From its start one took {spell(half)} (median), "
                  f"{spell(most)} (95 of 100), {spell(worst)} (longest). The server used {used * 1000 / self.opt.checks:.1f} ms of processor time for each, and at most {self.many.peak():.0f} MiB "
                  f"({self.large.peak():.0f} MiB serving the large file)."]
        return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", type=int, default=5)
    p.add_argument("-d", default="/var/tmp")
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--files", type=int, default=2000)
    p.add_argument("--checks", type=int, default=300)
    p.add_argument("-o")
    opt = p.parse_args()
    for tool in ("go", "curl", "wget"):
        if not shutil.which(tool):
            sys.exit(f"link-bench: {tool} is not installed")
    at = tempfile.mkdtemp(prefix="inplace-link.", dir=opt.d)
    os.environ.update(INPLACE_PASSPHRASE="", CGO_ENABLED="0", LC_ALL="C")
    bench = Bench(opt, at)
    try:
        bench.start()
        for _ in range(opt.n):
            for p in (bench.large, bench.small):
                for way in p.seen:
                    p.take(way)
            bench.check_at_once()
        text = bench.table()
        if opt.o:
            with open(opt.o, "w") as f:
                f.write(text)
        print(text, end="")
    finally:
        bench.stop()
        shutil.rmtree(at)


if __name__ == "__main__":
    main()
