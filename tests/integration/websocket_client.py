"""A WebSocket client of bare frames, so that a test can send wrong ones too."""

import base64
import json
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    def __init__(self, port, path="/v1/live", headers=None, key=None):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        fields = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket",
                  "Connection": "keep-alive, Upgrade",
                  "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": key or
                  base64.b64encode(os.urandom(16)).decode(),
                  **(headers or {})}
        lines = [f"GET {path} HTTP/1.1"] + [f"{n}: {v}" for n, v in fields.items()
                                            if v is not None]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            piece = self.sock.recv(4096)
            assert piece, self.rest
            self.rest += piece
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.status = int(self.head.split()[1])

    def send_frame(self, opcode, payload=b"", fin=True, masked=True, first=0):
        head = bytes([(0x80 if fin else 0) | first | opcode])
        bit = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.sock.sendall(head + payload)

    def send(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        self.send_frame(TEXT, text.encode())

    def _take(self, count):
        while len(self.rest) < count:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            self.rest += piece
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive_frame(self):
        first, second = self._take(2)
        assert first & 0x70 == 0 and second & 0x80 == 0  # no bits, no mask
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack(">H", self._take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._take(8))
        return first & 0x0f, self._take(length)

    def receive(self):
        """The next message, as JSON; pings are answered on the way."""
        while True:
            opcode, payload = self.receive_frame()
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == TEXT:
                return json.loads(payload)
            else:
                raise AssertionError(f"frame {opcode}: {payload}")

    def until_close(self):
        """(code, reason) of the server's close, after which it hangs up."""
        while True:
            opcode, payload = self.receive_frame()
            if opcode == CLOSE:
                break
        assert self.sock.recv(1) == b""
        return struct.unpack(">H", payload[:2])[0], payload[2:].decode()

    def close(self):
        self.sock.close()
