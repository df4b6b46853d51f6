"""The built-in provider: what happens when its parts die."""

import os
import signal
import threading

import pytest

from capture_world import (page_server, pages, receiver, refused, start)
from processes import descendants, wait_for


def gone(pids):
    def state(pid):
        try:
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            return "X"
    return lambda: all(state(pid) in "XZ" for pid in pids)


def test_a_killed_chromium_is_replaced(start, pages):
    capture = start()
    hanging = [capture.submit(pages.url("/hang")) for _ in range(2)]
    wait_for(lambda: len(pages.hits("/hang")) == 2, what="both pages")
    before = descendants(capture.process.pid)
    main = capture.chromium()[0]
    os.kill(main, signal.SIGKILL)
    for job in hanging:
        wait_for(lambda: capture.status(job).json()["failed"], what="the failure")
        status = capture.status(job).json()
        assert status["errorCode"] == "CAPTURE_ERROR"
        assert "Chromium ended" in status["error"]
    capture.shoot(pages.url())
    assert capture.metric("shotfleet_browser_starts_total") == 2
    wait_for(gone(before), what="the old Chromium to be gone")


def busy(pids):
    """Those that have used more than 300 ms of processor time."""
    def ticks(pid):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        except OSError:
            return 0
    return [pid for pid in pids if ticks(pid) > 0.3 * os.sysconf("SC_CLK_TCK")]


def test_a_crashed_page_takes_nobody_with_it(start, pages):
    capture = start()
    calm = capture.submit(pages.url("/hang"))
    crashing = capture.submit(pages.url("/spin"))
    [renderer] = wait_for(lambda: busy(capture.chromium("renderer")),
                          what="the busy renderer")
    assert pages.hits("/hang")
    os.kill(renderer, signal.SIGKILL)
    wait_for(lambda: capture.status(crashing).json()["failed"], what="the crash")
    status = capture.status(crashing).json()
    assert (status["errorCode"], status["error"]) == ("CAPTURE_ERROR",
                                                      "the page crashed")
    pages.release.set()
    wait_for(lambda: capture.status(calm).json()["completed"], what="the other page")
    assert capture.metric("shotfleet_browser_starts_total") == 1


def test_a_chromium_that_cannot_start(start, pages, receiver, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'no way' >&2\nexit 3\n")
    broken.chmod(0o755)
    capture = start(chromium=str(broken), ready=False)
    answer = capture.post({"url": pages.url()})
    refused(answer, 500, "CAPTURE_ERROR", "exited with code 3", "no way")
    answer = capture.admin("/readyz")
    assert answer.status == 503
    assert b"no way" in answer.body


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_behind(start, pages, signo):
    capture = start()
    capture.submit(pages.url("/hang"), timeout=1000)
    wait_for(lambda: pages.hits("/hang"), what="the page")
    family = descendants(capture.process.pid)
    assert len(family) >= 4  # keeper, Chromium, zygote, renderers …
    os.kill(capture.process.pid, signo)
    code = capture.process.wait(90)
    assert code == (0 if signo == signal.SIGTERM else -signal.SIGKILL)
    wait_for(gone(family), what="all processes to be gone")
    if signo == signal.SIGTERM:
        assert not (capture.folder / "capture" / "chromium").exists()
    capture.start()  # and the folder is free again


def test_a_stop_lets_captures_finish(start, pages):
    capture = start(capture_concurrency="1")
    answers = []
    client = threading.Thread(target=lambda: answers.append(
        capture.post({"url": pages.url("/later?ms=1"), "delay": 1000})))
    client.start()
    wait_for(lambda: pages.hits("/later"), what="the page")
    waiting = capture.submit(pages.url())
    assert capture.status(waiting).json()["status"] == "queued"
    capture.process.send_signal(signal.SIGTERM)
    client.join(90)
    assert capture.process.wait(90) == 0
    assert answers[0].status == 200
    assert "the service is being stopped" in capture.log.read_text()
