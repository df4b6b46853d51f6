"""What a program has cost so far: processor time and memory, from /proc.

A program is its first process and everything below it.
"""

import os

from processes import descendants

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Seconds of user and system time, children that ended included."""
    return sum(_cpu_ticks(p) for p in [pid] + descendants(pid)) / TICKS_PER_S


def _cpu_ticks(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:  # it ended: its parent has its time now
        return 0
    return sum(int(ticks) for ticks in fields[11:15])


def rss_mib(pid):
    """Resident memory of all its processes; what they share counts each time."""
    return sum(_rss_kib(p) for p in [pid] + descendants(pid)) / 1024


def _rss_kib(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
