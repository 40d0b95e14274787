#!/usr/bin/env python3
"""Time `inplace merge` against `git merge-file -p`, whole processes, in one run.

    .ci/merge-bench.py [--lines N] [--runs N] [--times N] [--program FILE] [FORMAT...]

For each format it makes a file of N lines (default 2000 and 100000), of which each side
has changed one in a hundred, at different places. Both programs merge it in turn, A B A
B, each `times` times a run after one that is not counted; of a run counts the median, and
of the runs (default 5) the median again. Printed are wall times in milliseconds, their
ratio, and the processor time (user and system), which tells more on a loaded machine.

Builds the program, as it is released (CGO_ENABLED=0), unless --program names one. Exit 1 where a merge is not clean, or where
a wall ratio is above the goal: 2 for 2000 lines, 10 for 100000.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GOALS = {2_000: 2.0, 100_000: 10.0}


# Each maker returns the lines of a file's n-th entry, of which one holds the value.
def properties(n, value):
    return [f"# what setting {n} is about", f"some.product.setting.{n} = {value}"]


def ini(n, value):
    head = ["", f"[section {n // 20}]"] if n % 20 == 0 else ["; about the next one", ""]
    return head + [f"key{n} = {value}"]


def env(n, value):
    return [f"# what setting {n} is about", f"PRODUCT_SETTING_{n}={value}"]


def nginx(n, value):
    if n % 10 == 0:
        lead = ["}"] if n else []
        return lead + [f"server {{ # {n}", f"    listen {n + 1024};", f"    server_name host{n}.example.org;", f"    set $v{n} {value};"]
    return [f"    location /p{n} {{ # about {n}", f"        proxy_pass http://{value}:{n + 1024};", "    }"]


def xml(n, value):
    return [f'  <!-- about service {n} -->', f'  <service name="s{n}" class="org.example.Service">',
            f'    <port>{n + 1024}</port>', f'    <host>{value}</host>', '  </service>']


def yaml(n, value):
    return [f"service{n}:", f"  # where service {n} is", f"  port: {n + 1024}", "  labels: [a, b]", f"  host: {value}"]


def json(n, value):
    return [f'  "service{n}": {{', f'    "port": {n + 1024},', '    "labels": ["a", "b"],', f'    "host": "{value}"', "  }"]


def toml(n, value):
    return [f"[service{n}]", f"# where service {n} is", f"port = {n + 1024}", 'labels = ["a", "b"]', f'host = "{value}"']


def text(n, value):
    return [f"This is line {n} of a text, and it says {value}."]


# format: (file name, maker, first lines, last lines, separator of entries)
FORMATS = {
    "properties": ("a.properties", properties, [], [], ""),
    "ini": ("a.ini", ini, [], [], ""),
    "xml": ("a.xml", xml, ['<?xml version="1.0"?>', "<services>"], ["</services>"], ""),
    "yaml": ("a.yaml", yaml, [], [], ""),
    "json": ("a.json", json, ["{"], ["}"], ","),
    "toml": ("a.toml", toml, [], [], ""),
    "env": ("a.env", env, [], [], ""),
    "nginx": ("nginx.conf", nginx, [], ["}"], ""),
    "text": ("a.txt", text, [], [], ""),
}


def side(fmt, lines, word, offset):
    """A text of that many lines; word is the value of every entry that the side changed."""
    _, make, head, tail, separator = FORMATS[fmt]
    entries, count, changed = [], len(head) + len(tail), 0
    n = 0
    while count < lines:
        # One line in a hundred: whenever a hundred more lines are there.
        change = word and (count + offset) // 100 >= changed and count >= offset
        entries.append(make(n, word if change else "default"))
        changed += bool(change)
        count += len(entries[-1])
        n += 1
    for e in entries[:-1]:
        e[-1] += separator
    return "\n".join(head + [l for e in entries for l in e] + tail) + "\n"


def spawn(command, out):
    """Runs the command and returns wall and processor time in seconds and the exit code."""
    actions = [(os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)


def measure(program, git, fmt, lines, runs, times, work):
    name = FORMATS[fmt][0]
    files = []
    for who, word, offset in (("ours", "mine", 10), ("base", "", 0), ("theirs", "new", 60)):
        path = work / who / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(side(fmt, lines, word, offset))
        files.append(str(path))
    commands = ([git, "merge-file", "-p", *files], [program, "merge", *files])
    walls, cpus, clean = ([], []), ([], []), [True, True]
    for _ in range(runs):
        sample = ([], [])
        for i in range(times + 1):
            for who, command in enumerate(commands):
                wall, cpu, code = spawn(command, str(work / "out"))
                clean[who] = clean[who] and code == 0
                if i > 0:
                    sample[who].append((wall, cpu))
        for who in (0, 1):
            walls[who].append(statistics.median(w for w, _ in sample[who]))
            cpus[who].append(statistics.median(c for _, c in sample[who]))
    return [1000 * statistics.median(x) for x in (*walls, *cpus)], clean


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, help="only this size (default: 2000 and 100000)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--times", type=int, help="merges in a run (default: 20 of 2000 lines, 3 of 100000)")
    parser.add_argument("--program", help="an inplace that is built")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(FORMATS))
    args = parser.parse_args()
    if unknown := set(args.formats) - set(FORMATS):
        parser.error(f"no such format: {', '.join(sorted(unknown))}")
    git = shutil.which("git") or parser.error("git is not installed")
    failed = False
    with tempfile.TemporaryDirectory() as d:
        work = pathlib.Path(d)
        program = os.path.abspath(args.program) if args.program else str(work / "inplace")
        if not args.program:
            root = pathlib.Path(__file__).resolve().parent.parent
            subprocess.run(["go", "build", "-trimpath", "-o", program, "."], cwd=root, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        print("| lines | format | git ms | inplace ms | ratio | git cpu | inplace cpu | cpu ratio |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for lines in [args.lines] if args.lines else GOALS:
            times = args.times or (20 if lines <= 10_000 else 3)
            for fmt in args.formats or FORMATS:
                (gw, iw, gc, ic), clean = measure(program, git, fmt, lines, args.runs, times, work)
                note = "" if clean[1] else " inplace: conflict"
                failed = failed or not clean[1] or iw / gw > GOALS.get(lines, float("inf"))
                print(f"| {lines} | {fmt} | {gw:.1f} | {iw:.1f} | {iw / gw:.1f} | {gc:.1f} | {ic:.1f} | {ic / gc:.1f} |{note}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
