"""The application that some jobs were submitted for: it takes their callbacks, when
it feels like it, and remembers whom it was told about."""

import asyncio
import collections
import random

from provider import read_message

REFUSED = 0.10


class Application:
    def __init__(self, seed):
        self.luck = random.Random(f"{seed}/application")
        self.told = collections.Counter()  # webhook-id -> times it was taken
        self.refused = 0

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512)
        self.url = "http://127.0.0.1:%d/told" % self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while message := await read_message(reader):
                status = self.take(message[1])
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def take(self, headers):
        if self.luck.random() < REFUSED:
            self.refused += 1
            return 500
        self.told[headers["webhook-id"]] += 1
        return 204
