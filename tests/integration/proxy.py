"""A TCP proxy that spoils connections: slow, reset, half-open, where the other end
is gone and nobody says so, or slow to close, where they say so much later."""

import asyncio
import socket
import struct

SLOW_S = 0.1


class Proxy:
    """Listens on 127.0.0.1; `connect` makes the (reader, writer) beyond it."""

    def __init__(self, connect):
        self.connect = connect
        self.inspect = None  # (bytes from a client): False swallows them
        self.slow = False
        self.silent = False  # swallows, of new connections too
        self.pairs = set()   # (client's writer, server's writer)
        self.dead = set()    # those that stay silent for ever
        self.closing = set() # … and whose server's end is closed already

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        self.reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def serve(self, reader, writer):
        try:
            far_reader, far_writer = await self.connect()
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        if self.silent:
            self.dead.add(pair)
        try:
            await asyncio.gather(self.copy(reader, far_writer, pair, self.lets_pass),
                                 self.copy(far_reader, writer, pair))
        except OSError:
            pass
        finally:
            self.pairs.discard(pair)
            self.dead.discard(pair)
            for end in pair:
                end.transport.abort()

    def lets_pass(self, data):
        return not self.inspect or self.inspect(data)

    async def copy(self, reader, writer, pair, lets_pass=lambda data: True):
        while data := await reader.read(65536):
            if self.slow:
                await asyncio.sleep(SLOW_S)
            if lets_pass(data) and pair not in self.dead:
                writer.write(data)
                await writer.drain()
        while pair in self.closing:
            await asyncio.sleep(0.05)
        raise ConnectionError  # either end's end is the end

    def reset(self):
        for pair in list(self.pairs):
            for end in pair:
                linger = struct.pack("ii", 1, 0)
                end.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger)
                end.transport.abort()

    def silence(self):
        """Until hear(); what is open now never says a word again."""
        self.silent = True
        self.dead |= self.pairs

    def hear(self):
        self.silent = False

    def close_slowly(self, seconds):
        """The server's ends are closed, the client's only after a while; what is
        sent meanwhile goes nowhere."""
        pairs = set(self.pairs)
        self.dead |= pairs
        self.closing |= pairs
        for _, far_writer in pairs:
            far_writer.close()
        asyncio.get_running_loop().call_later(
            seconds, self.closing.difference_update, pairs)
