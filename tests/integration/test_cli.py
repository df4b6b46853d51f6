"""shotfleet: what people type."""

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from doubles import png
from harness import BIN
from processes import free_port, wait_for

UNKNOWN = "0190a5d8-0000-7000-8000-000000000000"


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def lines(done):
    return [line.split("\t") for line in done.stdout.splitlines()]


def finish(stack, job, status="completed"):
    """What a worker leaves behind."""
    if status == "completed":
        picture = png()
        path = os.path.join(stack.storage, f"{job}.png")
        with open(path, "wb") as f:
            f.write(picture)
        stack.sql("update jobs set status = 'completed', completed_at = now(), "
                  "image_key = %s, image_type = 'image/png', width = 4, height = 3, "
                  "size_bytes = %s, sha256 = %s where id = %s::uuid", f"{job}.png",
                  len(picture), hashlib.sha256(picture).hexdigest(), job)
    else:
        stack.sql("update jobs set status = 'failed', failed_at = now(), "
                  "error_code = 'TIMEOUT', error = 'took\ttoo \x1b[31mlong' "
                  "where id = %s::uuid", job)
    stack.redis.xadd("shotfleet:live", {"job": job, "event": status, "data": "{}"})


class Worker:
    """Finishes whatever is queued, until closed; /fail pages fail."""

    def __init__(self, stack):
        self.stack = stack
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        position = "0"
        while not self.closing.is_set():
            for _, entries in self.stack.redis.xread({"shotfleet:submit": position},
                                                     block=100):
                for position, entry in entries:
                    job = entry[b"job"].decode()
                    url = self.stack.job(job).url
                    if not url.endswith("/never"):
                        finish(self.stack, job,
                               "failed" if url.endswith("/fail") else "completed")

    def close(self):
        self.closing.set()
        self.thread.join()


@pytest.fixture
def worker(api):
    worker = Worker(api)
    yield worker
    worker.close()


# submit

def test_submit_prints_an_id_for_each_url(api):
    done = api.cli("submit", "https://example.com/a", "https://example.com/b",
                   check=True)
    assert [line[1:] for line in lines(done)] == [
        ["queued", "-", "-", "-", "https://example.com/a"],
        ["queued", "-", "-", "-", "https://example.com/b"]]
    for line in lines(done):
        assert api.job(line[0]).status == "queued"
    assert done.stderr == ""


def test_submit_takes_options(api):
    done = api.cli("submit", "--option", "device=mobile", "https://example.com/",
                   "--option", "fullPage=true", "--option", "width=800",
                   "--option", "viewport.isMobile=false", "--option",
                   'userAgent="7"', "--option", "metadata.order=7",
                   "--option", "css=a=b", check=True)
    row = api.job(lines(done)[0][0])
    assert row.options == {"device": "mobile", "fullPage": True, "width": 800,
                           "viewport": {"isMobile": False}, "userAgent": "7",
                           "css": "a=b"}
    assert row.metadata == {"order": 7}


def test_submit_waits_for_the_picture(api, worker):
    done = api.cli("submit", "--wait", "https://example.com/", check=True)
    [[job, status, size, length, picture, url]] = lines(done)
    assert (status, size, length) == ("completed", "4x3", str(len(png())))
    assert picture == f"{api.api_url}/v1/captures/{job}/image"
    assert url == "https://example.com/"


def test_submit_goes_on_after_bad_urls(api, worker):
    done = api.cli("submit", "--wait", "file:///etc/passwd", "nonsense",
                   "https://example.com/fail", "https://example.com/")
    assert done.returncode == 2
    got = lines(done)
    assert [line[1] for line in got] == ["refused", "refused", "failed", "completed"]
    assert got[0][4].startswith("INVALID_URL: ")
    assert got[1][5] == "nonsense"
    assert got[2][4] == "TIMEOUT: took?too ?[31mlong"  # nothing for a terminal


def test_submit_says_that_one_failed(api, worker):
    done = api.cli("submit", "--wait", "https://example.com/fail",
                   "https://example.com/")
    assert done.returncode == 1


def test_submit_in_json(api, worker):
    done = api.cli("submit", "--wait", "--json", "https://example.com/", "nonsense",
                   "https://example.com/fail")
    refused, completed, failed = map(json.loads, done.stdout.splitlines())
    assert completed["image"]["width"] == 4
    assert failed["error"]["code"] == "TIMEOUT"
    assert (refused["url"], refused["status"]) == ("nonsense", "refused")
    assert refused["error"]["code"] == "INVALID_URL"
    assert done.returncode == 2


def test_submit_saves_the_picture(api, worker, tmp_path):
    folder = tmp_path / "pictures"
    done = api.cli("submit", "-o", str(folder), "https://example.com/", check=True)
    [file] = folder.iterdir()
    assert file.name == lines(done)[0][0] + ".png"
    assert file.read_bytes() == png()


def test_submit_does_not_wait_forever(api, worker):
    done = api.cli("submit", "--wait", "--timeout", "1", "https://example.com/never")
    assert done.returncode == 1
    assert lines(done)[0][1] == "queued"
    assert "not finished within 1 s" in done.stderr
    assert "shotfleet status" in done.stderr


def test_submit_waits_as_long_as_captures_end(api, tmp_path):
    """A long file takes longer than the patience for one of them."""
    timeout_s, count = 10, 12
    file = tmp_path / "urls"
    file.write_text("".join(f"https://example.com/{n}\n" for n in range(count)))
    process = subprocess.Popen(
        [os.path.join(BIN, "shotfleet"), "submit", "-f", str(file), "--wait", "--timeout",
         str(timeout_s)], env=api.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: api.sql("select count(*) from jobs")[0][0] == count, 20, "them to be queued")
    begin = time.monotonic()
    for n, row in enumerate(api.sql("select id::text from jobs order by id")):
        wait_for(lambda: time.monotonic() - begin >= n * 1.2, 30, "the time to end the next")
        finish(api, row.id)
        assert row.id in process.stdout.readline()
    assert time.monotonic() - begin > timeout_s
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors


def test_submit_waits_through_a_restart_of_api(api):
    worker = Worker(api)
    try:
        waiting = subprocess.Popen(
            [os.path.join(BIN, "shotfleet"), "submit", "--wait",
             "https://example.com/never"], env=api.env, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        wait_for(lambda: api.metrics("api")["shotfleet_api_subscribers"] == 1, 10,
                 "the command to wait")
        api.kill("api")
        finish(api, api.sql("select id::text from jobs")[0].id)
        api.start("api")
        out, err = waiting.communicate(timeout=120)
        assert waiting.returncode == 0, err
        assert "\tcompleted\t" in out
    finally:
        worker.close()


def test_ctrl_c_says_that_captures_go_on(api):
    waiting = subprocess.Popen(
        [os.path.join(BIN, "shotfleet"), "submit", "--wait", "https://example.com/"],
        env=api.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: api.metrics("api")["shotfleet_api_subscribers"] == 1, 10,
             "the command to wait")
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 130
    assert "goes on" in err and "shotfleet list" in err
    assert "\tqueued\t" in out


def test_an_api_that_is_away(stack):
    url = f"http://127.0.0.1:{free_port()}"
    for arguments in (["submit", "https://example.com/"],
                      ["submit", "--wait", "https://example.com/", "http://b/"],
                      ["status", UNKNOWN], ["list"]):
        done = stack.cli(*arguments, SHOTFLEET_API_URL=url)
        assert done.returncode == 3, arguments
        assert url in done.stderr and "make up" in done.stderr
        assert "SHOTFLEET_API_URL" in done.stderr


def test_a_key_is_sent_and_asked_for(stack):
    stack.start("api", SHOTFLEET_API_KEYS="secret-key")
    done = stack.cli("submit", "https://example.com/", "https://example.com/2")
    assert done.returncode == 2
    assert "SHOTFLEET_API_KEY" in done.stderr
    for arguments in (["submit", "https://example.com/"], ["list"]):
        done = stack.cli(*arguments, SHOTFLEET_API_KEY="secret-key", check=True)
        assert "secret-key" not in done.stdout + done.stderr


def test_an_api_that_cannot_take_it(api):
    api.redis_server.stop()
    done = wait_for(lambda: (d := api.cli("submit", "https://example.com/"))
                    .returncode and d, 10, "api to notice")
    assert done.returncode == 3
    assert "queue is away" in done.stderr


# submit: many at once

def test_submit_takes_urls_from_a_file(api, tmp_path):
    file = tmp_path / "urls"
    file.write_text("# pages\n\n  https://example.com/a  \r\n"
                    '{"url":"https://example.com/b","device":"mobile","width":400}\n'
                    "https://example.com/c")
    done = api.cli("submit", "https://example.com/first", "-f", str(file),
                   "--option", "device=tablet", check=True)
    got = {line[5]: api.job(line[0]) for line in lines(done)}
    assert list(got) == ["https://example.com/" + x for x in ("first", "a", "b", "c")]
    assert [job.options for job in got.values()] == [
        {"device": "tablet"}, {"device": "tablet"},
        {"device": "mobile", "width": 400}, {"device": "tablet"}]
    assert len({job.batch_id for job in got.values()}) == 1


def test_submit_reads_standard_input(api):
    done = subprocess.run(
        [os.path.join(BIN, "shotfleet"), "submit", "--file", "-"], env=api.env,
        input="https://example.com/a\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert lines(done)[0][5] == "https://example.com/a"


@pytest.mark.parametrize("text,reason", [
    ("https://example.com/\n{\"url\":", "line 2"),
    ('{"device":"mobile"}', "line 1: its \"url\" is missing"),
    ("https://example.com/\0", "line 1: there is a NUL byte"),
    ("h" * (1024 * 1024 + 1), "line 1: it is longer than 1048576 bytes"),
    ("# nothing\n", "no URL"),
])
def test_submit_refuses_a_file_that_makes_no_sense(api, tmp_path, text, reason):
    file = tmp_path / "urls"
    file.write_text(text)
    done = api.cli("submit", "-f", str(file))
    assert done.returncode == 2
    assert str(file) in done.stderr and reason in done.stderr
    assert api.sql("select count(*) from jobs")[0][0] == 0
    done = api.cli("submit", "-f", str(tmp_path / "missing"))
    assert done.returncode == 2 and "missing" in done.stderr


def test_submit_of_more_than_a_request_takes(api, worker, tmp_path):
    """1,203 URLs, two of which are none, submitted, followed and saved."""
    file = tmp_path / "urls"
    urls = [f"https://example.com/{i}" for i in range(1203)]
    urls[7], urls[1100] = "nonsense", "file:///etc/passwd"
    urls[1200] += "/fail"
    file.write_text("\n".join(urls))
    folder = tmp_path / "pictures"
    done = api.cli("submit", "-f", str(file), "-o", str(folder), timeout_s=240)
    assert done.returncode == 2
    got = {line[5]: line for line in lines(done)}
    assert sorted(got) == sorted(urls)
    assert [u for u in urls if got[u][1] == "refused"] == [urls[7], urls[1100]]
    assert [u for u in urls if got[u][1] == "failed"] == [urls[1200]]
    saved = {file.name for file in folder.iterdir()}
    assert saved == {line[0] + ".png" for line in lines(done) if line[1] == "completed"}
    assert len(saved) == 1200
    assert "1200 of 1203 completed, 3 failed" in done.stderr
    batches = api.sql("select count(*) as n from jobs group by batch_id order by n")
    assert [row.n for row in batches] == [202, 999]


def test_submit_splits_what_is_too_large_for_api(stack, tmp_path):
    stack.start("api", SHOTFLEET_MAX_BODY_BYTES=4096)
    file = tmp_path / "urls"
    file.write_text("\n".join("https://example.com/" + "x" * 1000 + str(i)
                              for i in range(16)) +
                    "\nhttps://example.com/" + "y" * 5000)
    done = stack.cli("submit", "-f", str(file))
    assert done.returncode == 2
    assert [line[1] for line in lines(done)].count("queued") == 16
    assert "yyy" in [line for line in lines(done) if line[1] == "refused"][0][5]
    assert stack.sql("select count(*) from jobs")[0][0] == 16


def test_a_batch_is_waited_for_through_a_restart_of_api(api):
    waiting = subprocess.Popen(
        [os.path.join(BIN, "shotfleet"), "submit", "--wait",
         *(f"https://example.com/{i}" for i in range(3))], env=api.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: api.metrics("api")["shotfleet_api_subscribers"] == 1, 10,
             "the command to wait")
    jobs = [row.id for row in api.sql("select id::text from jobs order by id")]
    finish(api, jobs[0])
    api.kill("api")
    finish(api, jobs[1], "failed")
    finish(api, jobs[2])
    api.start("api")
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 1, err
    assert sorted(line.split("\t")[0] for line in out.splitlines()) == sorted(jobs)
    assert "2 of 3 completed, 1 failed" in err


# what is done to captures

def test_cancel_and_retry(api):
    job = lines(api.cli("submit", "https://example.com/"))[0][0]
    done = api.cli("cancel", job, check=True)
    assert lines(done)[0][:2] == [job, "cancelled"]
    assert api.job(job).status == "cancelled"
    done = api.cli("retry", job, "--json", check=True)
    assert json.loads(done.stdout)["attempt"] == 2
    finish(api, job)
    done = api.cli("cancel", job, UNKNOWN)
    assert done.returncode == 2
    assert job in done.stderr and UNKNOWN in done.stderr
    done = api.cli("retry", job)
    assert done.returncode == 2 and done.stdout == ""


def test_open_prints_an_address(stack):
    assert (stack.cli("open", check=True, SHOTFLEET_API_URL="https://a.example/x/")
            .stdout == "https://a.example/x/\n")
    assert (stack.cli("open", UNKNOWN, check=True).stdout
            == f"{stack.api_url}/#/captures/{UNKNOWN}\n")


def watching(stack, *arguments):
    before = stack.metrics("api")["shotfleet_api_subscribers"]
    process = subprocess.Popen(
        [os.path.join(BIN, "shotfleet"), "watch", *arguments], env=stack.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: stack.metrics("api")["shotfleet_api_subscribers"] > before, 10,
             "the command to watch")
    return process


def test_watch_prints_changes(api):
    job = lines(api.cli("submit", "https://example.com/"))[0][0]
    one, everything = watching(api, job), watching(api)
    assert one.stdout.readline().split("\t")[1] == "queued"
    finish(api, job)
    out, err = one.communicate(timeout=120)
    assert (one.returncode, err) == (0, "")
    assert [line.split("\t")[1] for line in out.splitlines()] == ["completed"]
    assert everything.stdout.readline().split("\t")[:2] == [job, "completed"]
    everything.send_signal(signal.SIGINT)
    everything.communicate(timeout=120)
    assert everything.returncode == 130
    done = api.cli("watch", UNKNOWN)
    assert done.returncode == 2 and "there is no capture" in done.stderr


def test_watch_of_a_batch_ends_with_it(api):
    jobs = [line[0] for line in lines(api.cli("submit", "https://example.com/a",
                                              "https://example.com/b"))]
    batch = str(api.job(jobs[0]).batch_id)
    process = watching(api, "--batch", batch)
    now = [process.stdout.readline() for _ in jobs]  # before anything changes
    assert {tuple(line.split("\t")[:2]) for line in now} == {
        (jobs[0], "queued"), (jobs[1], "queued")}
    finish(api, jobs[0])
    finish(api, jobs[1], "failed")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, "")
    assert {tuple(line.split("\t")[:2]) for line in out.splitlines()} == {
        (jobs[0], "completed"), (jobs[1], "failed")}
    done = api.cli("watch", "--batch", UNKNOWN)
    assert done.returncode == 2 and "there is no batch" in done.stderr


# status and list

def test_status(api):
    job = lines(api.cli("submit", "https://example.com/"))[0][0]
    finish(api, job)
    [[_, status, size, *_]] = lines(api.cli("status", job, check=True))
    assert (status, size) == ("completed", "4x3")
    document = json.loads(api.cli("status", job, "--json", check=True).stdout)
    assert document == api.api("GET", f"/v1/captures/{job}").json()
    done = api.cli("status", UNKNOWN)
    assert done.returncode == 2
    assert "there is no capture" in done.stderr


def test_list_newest_first_over_several_pages(api):
    api.sql("select create_job('https://example.com/' || i) "
            "from generate_series(1, 150) i")
    ids = [row.id for row in api.sql("select id::text from jobs order by id desc")]
    assert [x[0] for x in lines(api.cli("list", check=True))] == ids[:20]
    assert [x[0] for x in lines(api.cli("list", "--limit", "130", check=True))] == ids[:130]
    found = api.cli("list", "--limit", "1000", "--json", check=True).stdout
    assert [json.loads(x)["jobId"] for x in found.splitlines()] == ids
    finish(api, ids[7], "failed")
    assert [x[0] for x in lines(api.cli("list", "--status", "failed"))] == [ids[7]]


def test_list_filters(api):
    done = api.cli("submit", "--option", "metadata.order=7", "https://shop.example/1",
                   "https://shop.example/2", check=True)
    ids = [line[0] for line in lines(done)]
    batch = str(api.job(ids[0]).batch_id)
    other = lines(api.cli("submit", "https://other.example/"))[0][0]
    finish(api, ids[1])

    def listed(*arguments):
        return {line[0] for line in lines(api.cli("list", *arguments, check=True))}

    assert listed("--batch", batch) == set(ids)
    assert listed("--metadata", "order=7", "--status", "queued") == {ids[0]}
    assert listed("--metadata", "order=8") == set()
    assert listed("--url", "other.exam") == {other}
    assert listed("--provider", "screenshotly") == {*ids, other}
    assert listed("--after", "2200-01-01T00:00:00Z") == set()
    assert listed("--before", "2200-01-01T00:00:00Z") == {*ids, other}
    done = api.cli("list", "--after", "yesterday")
    assert done.returncode == 2 and "submittedAfter" in done.stderr


# top

def test_top_once(api):
    api.cli("submit", "https://example.com/", check=True)
    fleet = api.api("GET", "/v1/fleet").json()
    got = dict(lines(api.cli("top", check=True)))
    assert got["queued"] == "1"
    assert {name.split(".")[0] for name in got} == set(fleet)
    assert json.loads(api.cli("top", "--json", check=True).stdout)["queued"] == 1
    api.stop("api")
    done = api.cli("top")
    assert done.returncode == 3 and "could not reach api" in done.stderr


def test_top_on_a_terminal(api):
    """It draws, goes on without api, and gives the screen back."""
    job = lines(api.cli("submit", "https://example.com/"))[0][0]
    master, slave = os.openpty()
    process = subprocess.Popen(
        [os.path.join(BIN, "shotfleet"), "top", "--interval", "1"],
        env={**api.env, "TERM": "xterm"}, stdin=slave, stdout=slave,
        stderr=subprocess.PIPE)
    os.close(slave)
    shown = b""

    def read_until(text):
        nonlocal shown
        shown = b""
        while text not in shown:
            shown += os.read(master, 4096)

    read_until(job.encode())
    assert b"1 queued" in shown and b"\x1b[?1049h" in shown
    api.stop("api")
    read_until(b"cannot be asked")
    api.start("api")
    read_until(b"1 queued")
    os.write(master, b"q")
    read_until(b"\x1b[?1049l")
    assert process.wait(90) == 0
    os.close(master)
    assert process.stderr.read() == b""
    process.stderr.close()


def test_on_a_terminal_it_is_for_people(api, worker):
    """Colours and layout appear on a terminal, and NO_COLOR is honoured."""
    for no_color in ("", "1"):
        master, slave = os.openpty()
        done = subprocess.Popen(
            [os.path.join(BIN, "shotfleet"), "submit", "--wait",
             "https://example.com/", "nonsense"],
            env={**api.env, "TERM": "xterm", "NO_COLOR": no_color},
            stdout=slave, stderr=subprocess.PIPE)
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 4096):
                shown += part
        except OSError:
            pass  # how Linux says that the other end is closed
        os.close(master)
        assert done.wait(90) == 2
        done.stderr.close()
        assert (b"\x1b[" in shown) == (no_color == "")
        assert b"completed" in shown and b"4x3" in shown and b"INVALID_URL" in shown
        assert b"\t" not in shown


# usage

def test_wrong_usage(stack):
    for arguments in ([], ["nonsense"], ["submit"], ["submit", "--wait"],
                      ["submit", "--nonsense", "x"], ["submit", "x", "--option"],
                      ["submit", "x", "--option", "novalue"],
                      ["submit", "x", "--option", "url=y"],
                      ["submit", "x", "--option", "a=1", "--option", "a.b=2"],
                      ["submit", "x", "--timeout", "0"],
                      ["submit", "x", "--timeout", "1s"],
                      ["status"], ["status", "7"], ["status", UNKNOWN, UNKNOWN],
                      ["list", "x"], ["list", "--limit", "0"],
                      ["list", "--status", "done"], ["migrate", "x"],
                      ["list", "--metadata", "x"], ["list", "--url"],
                      ["cancel"], ["cancel", "7"], ["retry", "--x", UNKNOWN],
                      ["open", "7"], ["open", UNKNOWN, UNKNOWN],
                      ["watch", "7"], ["watch", UNKNOWN, UNKNOWN],
                      ["watch", "--batch", UNKNOWN, UNKNOWN], ["watch", "--batch", "7"],
                      ["top", "x"], ["top", "--interval", "0"], ["top", "--x"],
                      ["completion"], ["completion", "sh"], ["manual", "x"],
                      ["help", "nonsense"]):
        done = stack.cli(*arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == "" and "shotfleet" in done.stderr, arguments
    done = stack.cli("list", SHOTFLEET_API_URL="nonsense")
    assert done.returncode == 2 and "SHOTFLEET_API_URL" in done.stderr
    done = stack.cli("list", SHOTFLEET_NONSENSE="1")
    assert done.returncode == 2 and "SHOTFLEET_NONSENSE" in done.stderr


def test_help(stack):
    text = stack.cli("--help", check=True).stdout
    assert "Exit codes" in text and "SHOTFLEET_API_URL" in text
    assert stack.cli("help", check=True).stdout == text
    assert stack.cli("--version", check=True).stdout.startswith("shotfleet ")
    for command in ("submit", "status", "list", "migrate"):
        assert command in text
        help_text = stack.cli("help", command, check=True).stdout
        assert help_text.startswith(f"usage: shotfleet {command}")
        assert stack.cli(command, "--help", check=True).stdout == help_text


# Every command that --help lists.
def commands(stack):
    text = stack.cli("--help", check=True).stdout
    return [line.split()[0] for line in text.split("Exit codes")[0].splitlines()
            if line.startswith("  ") and line.split()[0] != "help"]


def test_completion_offers_commands_and_their_options(stack, tmp_path):
    script = tmp_path / "completion"
    script.write_text(stack.cli("completion", "bash", check=True).stdout)

    def offered(*words):
        line = " ".join(f"'{word}'" for word in ("shotfleet", *words))
        done = subprocess.run(
            ["bash", "-uec", f"source {script}; COMP_WORDS=({line}); "
             f"COMP_CWORD={len(words)}; _shotfleet; echo ${{COMPREPLY[@]}}"],
            capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    assert set(commands(stack)) < set(offered(""))
    assert offered("subm") == ["submit"]
    assert offered("submit", "--opt") == ["--option"]
    assert offered("dead", "re") == ["retry"]
    assert offered("help", "sta") == ["status"]
    assert offered("nonsense", "") == []
    for shell in ("zsh", "fish"):
        text = stack.cli("completion", shell, check=True).stdout
        assert all(command in text for command in commands(stack))


def test_manual_tells_of_every_command_and_option(stack):
    page = stack.cli("manual", check=True).stdout
    assert page.startswith(".TH SHOTFLEET 1 ")
    text = page.replace("\\-", "-")
    for command in commands(stack):
        assert f"\n.SS {command}\n" in text
        help_text = stack.cli("help", command, check=True).stdout
        for option in re.findall(r"^  .*?(--[a-z-]+)", help_text, re.M):
            assert re.search(rf"^\.B .*{option}", text, re.M), (command, option)


# migrate

@pytest.fixture
def bare(stack):
    """A stack whose database is empty."""
    stack.sql("drop schema public cascade; create schema public")
    return stack


def test_migrate_applies_each_once(bare):
    first = bare.cli("migrate", check=True).stdout.splitlines()
    rows = bare.sql("select number, name, sha256 from schema_migrations order by number")
    assert [f"applied {row.name}" for row in rows] == first[:len(rows)]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert "nothing to apply" in bare.cli("migrate", check=True).stdout
    assert bare.sql("select count(*) from schema_migrations")[0][0] == len(rows)


def test_two_migrates_at_once(bare):
    many = [subprocess.Popen([os.path.join(BIN, "shotfleet"), "migrate"],
                             env=bare.env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in many]
    assert [process.returncode for process in many] == [0] * 4, said
    applied = [line for out, _ in said for line in out.splitlines()
               if line.startswith("applied")]
    assert len(applied) == bare.sql("select count(*) from schema_migrations")[0][0]


def test_migrate_sets_the_defaults(stack):
    stack.cli("migrate", check=True, SHOTFLEET_PROVIDER="other",
              SHOTFLEET_MAX_ATTEMPTS="7", SHOTFLEET_JOB_DEADLINE_S="60")
    row = stack.sql("select provider, max_attempts, extract(epoch from deadline)::int"
                    " as deadline from fleet_defaults")[0]
    assert row == ("other", 7, 60)


def test_migrate_refuses_a_changed_migration(stack):
    stack.sql("update schema_migrations set sha256 = 'x' where number = 1")
    done = stack.cli("migrate")
    assert done.returncode == 2
    assert "0001_" in done.stderr and "another text" in done.stderr


def test_migrate_refuses_a_newer_database(stack):
    stack.sql("insert into schema_migrations (number, name, sha256) "
              "values (9999, '9999_future.sql', 'x')")
    done = stack.cli("migrate")
    assert done.returncode == 2
    assert "newer" in done.stderr and "9999_future.sql" in done.stderr


def test_a_migration_that_fails_leaves_nothing(bare):
    bare.sql("create table callbacks (x int)")  # in the way of the first one
    done = bare.cli("migrate")
    assert done.returncode == 2
    assert "0001_" in done.stderr and "callbacks" in done.stderr
    assert bare.sql("select count(*) from schema_migrations")[0][0] == 0
    assert bare.sql("select to_regclass('jobs')")[0][0] is None
    bare.sql("drop table callbacks")
    bare.cli("migrate", check=True)


def test_migrate_without_a_database(stack):
    done = stack.cli("migrate", DATABASE_URL=stack.postgres_server.url("missing"))
    assert done.returncode == 2
    assert "missing" in done.stderr and "createdb" in done.stderr


def test_migrate_waits_for_postgresql(stack):
    stack._connection = None
    stack.postgres_server.stop()
    waiting = subprocess.Popen([os.path.join(BIN, "shotfleet"), "migrate"],
                               env=stack.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert waiting.stderr.readline().startswith("shotfleet: waiting for PostgreSQL")
    stack.postgres_server.start()
    out, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0
    assert "nothing to apply" in out


def test_migrate_does_not_wait_forever(stack):
    done = stack.cli("migrate", DATABASE_URL="postgresql:///x?host=/nowhere")
    assert done.returncode == 3
    assert "could not reach PostgreSQL" in done.stderr
