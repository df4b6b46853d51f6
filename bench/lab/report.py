"""Telling the person in front: progress on standard error, results as tables
on standard output and as files in build/bench/."""

import datetime
import json
import os
import statistics
import subprocess
import sys
import time

from lab import ROOT

FOLDER = os.path.join(ROOT, "build", "bench")
_started = time.monotonic()


def progress(text):
    print(f"[{time.monotonic() - _started:4.0f} s] {text}", file=sys.stderr,
          flush=True)


def median(values):
    return statistics.median(values)


def ratio(rounds, over, under):
    """The median of the ratio within each round: neighbours in time compare,
    whatever else the machine does meanwhile."""
    return median([over(r) / under(r) for r in rounds])


def table(head, rows):
    """A Markdown table, aligned for the eye; the first column is words."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row):
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([line(cells[0]), line(rule)] + [line(row) for row in cells[1:]])


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def commit():
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"],
                              capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def machine():
    """One line that says where and when this was measured."""
    with open("/proc/cpuinfo") as f:
        models = [line.split(":", 1)[1].strip() for line in f
                  if line.startswith("model name")]
    model = models[0] if models else os.uname().machine
    date = datetime.date.today().isoformat()
    return (f"{os.cpu_count()} × {model}, Linux {os.uname().release.split('-')[0]}"
            f", {date}, commit {commit()}, load before "
            f"{os.getloadavg()[0]:.1f}")


def save(name, value):
    """JSON, or text such as an SVG, into build/bench/."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, name)
    with open(path, "w") as f:
        if isinstance(value, str):
            f.write(value)
        else:
            json.dump(value, f, indent=1)
            f.write("\n")
    progress(f"wrote {os.path.relpath(path, ROOT)}")
