"""Ten thousand live clients in one process, over epoll; each follows one job,
its own or the same as the others.

What they send and how an event looks is all that differs between server-sent
events, our WebSocket, and Socket.IO.
"""

import base64
import os
import re
import select
import socket
import time

OPENING = 200  # connections that are being opened at the same time
PATIENCE_S = 60


def _frame(text):
    payload = text.encode()
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload  # mask 0


def _upgrade(port, path):
    key = base64.b64encode(os.urandom(16)).decode()
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n").encode()


PING, PONG = b"\x89\0", b"\x8a\x80\0\0\0\0"
ENGINE_PING = b"\x81\x012"
PROGRESS = re.compile(rb'"progress"\s*:\s*([0-9]+)')


class Sse:
    """(what to send, what then must have come) for each step."""
    name = "SSE"

    @staticmethod
    def steps(port, job):
        return [(f"GET /v1/captures/{job}/events HTTP/1.1\r\n"
                 f"Host: 127.0.0.1:{port}\r\n\r\n".encode(), b'"jobId"')]


class WebSocket:
    name = "WebSocket"

    @staticmethod
    def steps(port, job):
        return [(_upgrade(port, "/v1/live"), b"\r\n\r\n"),
                (_frame('{"subscribe":"%s"}' % job), b'"jobId"')]


class SocketIo:
    name = "Socket.IO"

    @staticmethod
    def steps(port, job):
        return [(_upgrade(port, "/socket.io/?EIO=4&transport=websocket"), b'0{"sid"'),
                (_frame("40"), b'40{"sid"'),
                (_frame('42["subscribe","%s"]' % job), b'"jobId"')]


class Clients:
    def __init__(self, kind, port, jobs, follow):
        """`follow` has the index of a job for each client."""
        self.kind = kind
        self.poll = select.epoll()
        self.sockets = {}
        self.job_of = {}
        self.heard = []  # (index of the job, its progress, when)
        self.bytes = 0   # of events and what came with them
        for start in range(0, len(follow), OPENING):
            self._open(kind, port, jobs, follow[start:start + OPENING])
            self.listen(0.01)  # those that are open answer pings meanwhile
        self.clear()

    def clear(self):
        self.heard.clear()
        self.bytes = 0

    def _open(self, kind, port, jobs, follow):
        opening = []
        for index in follow:
            s = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            self.sockets[s.fileno()] = s
            self.job_of[s.fileno()] = index
            opening.append((s, kind.steps(port, jobs[index])))
        for step in range(len(opening[0][1])):
            for s, steps in opening:
                s.sendall(steps[step][0])
            for s, steps in opening:
                got = b""
                while steps[step][1] not in got:
                    piece = s.recv(65536)
                    assert piece, (kind.name, got)
                    got += piece
        for s, _ in opening:
            s.setblocking(False)
            self.poll.register(s.fileno(), select.EPOLLIN)

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for fd, _ in self.poll.poll(left, len(self.sockets) or 1):
                data = self.sockets[fd].recv(65536)
                now = time.monotonic()
                if not data:
                    raise SystemExit("a client was cut off")
                if PING in data:
                    self.sockets[fd].sendall(PONG)
                elif ENGINE_PING in data:
                    self.sockets[fd].sendall(_frame("3"))
                self.bytes += len(data)
                self.heard += [(self.job_of[fd], int(progress), now)
                               for progress in PROGRESS.findall(data)]

    def close(self):
        for s in self.sockets.values():
            s.close()
        self.poll.close()
