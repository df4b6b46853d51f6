"""Small pictures: made by a process that may nothing, kept, and never missing."""

import concurrent.futures
import os
import re
import struct
import subprocess
import zlib

import pytest

from doubles import png
from harness import BIN
from processes import wait_for
from test_api import api, complete, submit  # noqa: F401  (a fixture)
from web import request

PROGRAM = os.path.join(BIN, "shotfleet-thumbnail")


def captured(api, picture, kind="image/png", ending="png"):  # noqa: F811
    """A completed capture; (its path, where its thumbnail is kept)."""
    job = submit(api, url="https://example.com/").json()["jobId"]
    complete(api, job, picture, kind, f"screenshots/ab/cd/{job}-0123456789ab.{ending}")
    return (f"/v1/captures/{job}",
            os.path.join(api.storage, f"thumbnails/ab/cd/{job}-0123456789ab.webp"))


def size_of(webp):
    """(width, height) of a lossy WebP without alpha."""
    assert webp[:4] == b"RIFF" and webp[8:16] == b"WEBPVP8 "
    width, height = struct.unpack("<HH", webp[26:30])
    return width & 0x3fff, height & 0x3fff


def ask(api, path, **headers):  # noqa: F811
    return request("GET", api.api_url + path + "/thumbnail", headers=headers)


def shrink(data, *arguments):
    """What the program by itself says: (exit code, output, words)."""
    with open(os.memfd_create("picture"), "wb+") as f:
        f.write(data)
        f.flush()
        done = subprocess.run([PROGRAM, *arguments], stdin=f, capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


# --- the program

@pytest.mark.parametrize("width, height, expected", [
    (1920, 1080, (640, 360)), (1920, 9000, (640, 640)), (375, 812, (375, 640)),
    (640, 640, (640, 640)), (1, 1, (1, 1)), (16384, 16, (640, 1))])
def test_sizes(width, height, expected):
    code, out, words = shrink(png(width, height))
    assert (code, words) == (0, "")
    assert size_of(out) == expected


def test_what_is_wider_than_any_browser_draws():
    code, out, words = shrink(png(16385, 2))
    assert (code, out) == (1, b"") and "wider than 16384" in words


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7\n", png(100, 100)[:60],
                                  png(9, 9).replace(b"IDAT", b"IDAX")])
def test_what_is_no_picture(data):
    code, out, words = shrink(data)
    assert (code, out) == (1, b"") and words.startswith("shotfleet-thumbnail: ")


def test_how_it_is_not_started():
    code, _, words = shrink(png(), "picture.png")
    assert code == 2 and "no arguments" in words
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _, words = process.communicate(png())
        assert process.returncode == 2 and b"must be a file" in words
    assert "640 pixels" in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True,
                                          check=True).stdout


def bomb(width, height):
    """An interlaced PNG: it needs all of its pixels at once."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1))
            + chunk(b"IDAT", zlib.compress(bytes(1000000))) + chunk(b"IEND", b""))


def test_a_bomb_is_refused_before_it_takes_memory():
    code, _, words = shrink(bomb(16384, 4097))  # one row more than 64 million pixels
    assert code == 1 and "too large to be interlaced" in words
    code, _, words = shrink(bomb(16384, 4096))
    assert code != 0 and "too large" not in words  # it is cut off, or memory is


def test_it_works_in_a_sandbox():
    """Seen from outside, while it works on a picture that takes its time."""
    with open(os.memfd_create("picture"), "wb+") as f:
        f.write(png(16384, 8000))
        f.flush()
        with subprocess.Popen([PROGRAM], stdin=f, stdout=subprocess.PIPE) as process:
            def confined():
                with open(f"/proc/{process.pid}/status") as status:
                    fields = dict(line.split(":\t", 1) for line in status.read().splitlines())
                assert fields["State"][0] != "Z", "it was done before it was looked at"
                return fields["Seccomp"] == "2" and fields

            assert wait_for(confined, 20, "the filter")["NoNewPrivs"] == "1"
            with open(f"/proc/{process.pid}/limits") as limits:
                table = limits.read()
            assert re.search(r"Max cpu time +5 +6 +seconds", table)
            assert re.search(r"Max file size +1048576 +1048576 ", table)
            process.kill()


# --- the API

def test_it_is_made_once_and_kept(api):  # noqa: F811
    path, kept = captured(api, png(1920, 1080))
    answer = ask(api, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
    assert size_of(answer.body) == (640, 360)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    with open(kept, "rb") as f:
        assert f.read() == answer.body
    tag = answer.headers["ETag"]
    assert tag != request("GET", api.api_url + path + "/image").headers["ETag"]
    assert ask(api, path, **{"If-None-Match": tag}).status == 304
    os.unlink(os.path.join(api.storage, api.job(path[-36:]).image_key))
    assert ask(api, path).body == answer.body  # the picture was not looked at
    head = request("HEAD", api.api_url + path + "/thumbnail")
    assert head.status == 200 and head.headers["Content-Length"] == str(len(answer.body))
    os.unlink(kept)
    assert ask(api, path).status == 500
    assert os.listdir(os.path.join(api.storage, "tmp")) == []


def test_what_cannot_be_small_is_shown_whole(api):  # noqa: F811
    broken, kept = captured(api, png(100, 100)[:60])
    for _ in range(2):  # the second time nobody tries
        answer = ask(api, broken)
        assert (answer.status, answer.headers["Location"]) == (302, "image")
        assert os.path.getsize(kept) == 0
    pdf, kept = captured(api, b"%PDF-1.7\n", "application/pdf", "pdf")
    assert ask(api, pdf).status == 302 and not os.path.exists(kept)
    # a key of another form, as adopted rows may have
    job = submit(api, url="https://example.com/").json()["jobId"]
    complete(api, job, png(), key=f"elsewhere/{job}.png")
    assert ask(api, f"/v1/captures/{job}").status == 302


def test_a_capture_without_picture_has_none(api):  # noqa: F811
    job = submit(api, url="https://example.com/").json()["jobId"]
    answer = ask(api, f"/v1/captures/{job}")
    assert answer.status == 404 and answer.json()["code"] == "NO_PICTURE"


def test_many_at_once_are_made_in_turn(api):  # noqa: F811
    paths = [captured(api, png(1200 + n, 700))[0] for n in range(30)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda path: ask(api, path), paths))
    assert [a.status for a in answers] == [200] * 30
    assert {size_of(a.body)[0] for a in answers} == {640}


def test_where_it_cannot_be_kept_it_is_made_again(api):  # noqa: F811
    path, kept = captured(api, png(1920, 1080))
    blocker = os.path.join(api.storage, "thumbnails")
    with open(blocker, "w"):
        pass  # a file where the folder should be
    for _ in range(2):
        assert ask(api, path).status == 200
    assert not os.path.exists(kept)


def test_a_watch_token_is_enough_and_is_handed_on(stack):
    stack.start("api", SHOTFLEET_API_KEYS="operator", SHOTFLEET_TOKEN_SECRETS="s" * 32)
    key = {"X-API-Key": "operator"}
    receipt = stack.api("POST", "/v1/captures", {"url": "https://example.com/"}, key).json()
    job, token = receipt["jobId"], receipt["watchToken"]
    complete(stack, job, png(1920, 1080)[:80], key=f"screenshots/ab/cd/{job}-0123456789ab.png")
    url = f"{stack.api_url}/v1/captures/{job}/thumbnail"
    assert request("GET", url).status == 401
    assert request("GET", url + "?token=c.nonsense").status == 401
    answer = request("GET", f"{url}?token={token}")
    assert (answer.status, answer.headers["Location"]) == (302, f"image?token={token}")
    answer = request("GET", url + "?token=x%0d%0aX:%20y", headers=key)
    assert (answer.status, answer.headers["Location"]) == (302, "image")
