#!/usr/bin/env python3
"""campaign-table.py DIR [POINTS] - the results of campaign.sh as the table of docs/reliability.md.

With POINTS, a directory, each section's points are written there as SECTION.txt.gz, a line
each: how it ended, what was done to which call, by the harness's own words.

Each section has SECTION.facts (name, fixture, model, sample, revision, date; tabs), the
harness's SECTION.log and SECTION.json. A section without JSON did not end and is listed as
such, with no number. Of a section "sticky", which repeats the single failures of "error",
only the lasting ones are counted here.
"""
import gzip
import json
import pathlib
import re
import sys


def calls(log):
    """What a clean run was counted to do, by the harness's own words."""
    for pattern in (r"a clean run makes (\d+) counted calls", r"mode powercut: (\d+) calls recorded"):
        found = re.search(pattern, log)
        if found:
            return found.group(1) + " calls"
    disk = re.findall(r"(\d+) block writes, (\d+) flushes recorded", log)
    if disk:
        return ", ".join(f"{w} writes + {f} flushes" for w, f in disk)
    found = re.search(r"at its peak (\d+) KiB more", log)
    return found.group(1) + " KiB" if found else "-"


def lasting(log):
    """Points of lasting errors, and those of them that failed."""
    lines = re.findall(r"^(ok  |FAIL) .*from there on,.* at ", log, re.M)
    return len(lines), lines.count("FAIL")


def keep(points, section, log):
    """Writes the section's points; the same log gives the same bytes."""
    lines = [line for line in log.splitlines() if re.match(r"ok  |FAIL|mode ", line)]
    with open(points / (section + ".txt.gz"), "wb") as out:
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed:
            packed.write(("\n".join(lines) + "\n").encode())


def main():
    rows, total, failed = [], 0, 0
    for facts in sorted(pathlib.Path(sys.argv[1]).glob("*.facts")):
        section, fixture, model, sample, revision, date = facts.read_text().rstrip("\n").split("\t")
        subject, mode = section.split(".", 1)
        log = facts.with_suffix(".log").read_text(errors="replace")
        try:
            result = json.loads(facts.with_suffix(".json").read_text())
            points, bad = result["points"], result["failed"]
        except FileNotFoundError:
            rows.append((section, fixture, mode, model, calls(log), "did not end", "-", revision))
            continue
        if len(sys.argv) > 2:
            keep(pathlib.Path(sys.argv[2]), section, log)
        if mode == "sticky":
            points, bad = lasting(log)
        if sample != "0":
            model += f"; sample {sample}"
        total, failed = total + points, failed + bad
        rows.append((section, fixture, mode, model, calls(log), str(points), str(bad), revision))
    print("| section | fixture | mode | model | a clean run | points | failed | revision |")
    print("|---|---|---|---|---|---:|---:|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(f"\n{total} points, {failed} failed")


if __name__ == "__main__":
    main()
