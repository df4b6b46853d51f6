"""Processes, ports and patience.

The test process adopts orphans (prctl PR_SET_CHILD_SUBREAPER), so whatever a
program leaves behind is still found below it.
"""

import ctypes
import os
import random
import signal
import socket
import time

PR_SET_CHILD_SUBREAPER = 36
# Nothing is given up sooner on a busy machine; less than the half minute and the minute
# after which the programs make up for what they missed.
PATIENCE_S = 25
PORTS_EACH = 2500  # for up to 8 processes of pytest -n below the system's own from 32768


def adopt_orphans():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def wait_for(predicate, timeout_s=10, what="the condition"):
    """Polls until `predicate` returns something true, and returns that."""
    timeout_s = max(timeout_s, PATIENCE_S)
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout_s} s for {what}")
        time.sleep(0.02)


_given = set()


def pytest_number():
    """Which of the processes of pytest -n this is, from 0; 0 without."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def free_port():
    """A free TCP port, given once, that neither an outgoing connection nor
    `make up` will take, nor a pytest that runs beside this one."""
    first = 10000 + PORTS_EACH * pytest_number()
    while True:
        port = random.randrange(first, first + PORTS_EACH)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def _stat(pid):
    """(parent, state, command) of a process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
    except OSError:
        return None
    command, rest = text[text.index("(") + 1:].rsplit(")", 1)
    state, parent = rest.split()[:2]
    return int(parent), state, command


def alive(pid):
    stat = _stat(pid)
    return stat is not None and stat[1] != "Z"


def children(pid):
    """Living direct children, oldest first."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(entry)
        if stat and stat[0] == pid and stat[1] != "Z":
            found.append(int(entry))
    return sorted(found)


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def describe(pid):
    stat = _stat(pid)
    return f"{pid} ({stat[2]})" if stat else str(pid)


def kill_tree(pid):
    """SIGKILL for a process and everything below it."""
    for each in [pid] + descendants(pid):
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            pass


def reap_adopted(own):
    """Collects dead orphans; `own` are pids that somebody else waits for."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(entry)
        if (stat and stat[0] == os.getpid() and stat[1] == "Z"
                and int(entry) not in own):
            try:
                os.waitpid(int(entry), os.WNOHANG)
            except ChildProcessError:
                pass
