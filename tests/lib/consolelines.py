#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a kernel says on its console here and not there, and the other way round.

consolelines.py ONE OTHER [PATTERN] prints each line of ONE that OTHER lacks, after "- ",
and each of OTHER that ONE lacks, after "+ ". Only lines with a time stamp are
the kernel's. Numbers are all alike: they are times, sizes and addresses that two
starts of the same kernel differ in. Status: 0 if there is no such line, 1 if there
are, 2 if one of them has no kernel's lines, or no end of the built-in init.

NOISE is what depends on how busy the host is, and left out; so are lines that PATTERN matches.
Where a kernel was kept waiting so long that it gave up its TSC, it does not register that either.
"""

import re
import sys

GAVE_UP = r"tsc: Marking TSC unstable due to clocksource watchdog"
NOISE = [
    GAVE_UP,
    r"hrtimer: interrupt took",
    r"workqueue: .* hogged CPU",
    r"clocksource: .*(watchdog|readout interval|skew|unstable)",
    r"sched_clock: Marking (un)?stable",
    r"sched: DL replenish lagged too much",
    r"random: crng init done",
]

THEN_LACKS = r"clocksource: tsc: mask"


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def lines(path, text, noise):
    found = re.findall(r"^\[ *\d+\.\d+\] (.*?)\r*$", text, re.MULTILINE)
    if not found or "paraboot-init: done" not in text:
        print(f"{path}: no kernel's console up to the init's end", file=sys.stderr)
        sys.exit(2)
    return [line for line in found if not any(re.search(p, line) for p in noise)]


def normal(line):
    line = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b|\d+", "N", line)
    return re.sub(r"\s+", " ", line)


def missing(lines_here, lines_there, mark):
    there = {normal(line) for line in lines_there}
    return [mark + line for line in lines_here if normal(line) not in there]


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: consolelines.py ONE OTHER [PATTERN]")
    texts = [read(path) for path in sys.argv[1:3]]
    noise = NOISE + sys.argv[3:]
    if any(re.search(GAVE_UP, text) for text in texts):
        noise.append(THEN_LACKS)
    one, other = (lines(path, text, noise) for path, text in zip(sys.argv[1:3], texts))
    found = missing(one, other, "- ") + missing(other, one, "+ ")
    print("".join(line + "\n" for line in found), end="")
    sys.exit(1 if found else 0)


main()
