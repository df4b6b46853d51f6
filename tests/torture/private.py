"""The private stack of a torture run: real servers behind proxies, the programs
with keepers that start again what has died, and a world outside."""

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import clock
import disk
import processes
from faults import PrivateFaults
from harness import Stack
from outside import Outside
from proxy import Proxy
from servers import PostgresServer, RedisServer
from world import World

PROGRAMS = ("ingest", "worker", "poller", "api")
KEEPER_S = 0.3
SETTINGS = {
    "SHOTFLEET_STALE_AFTER_S": "2", "SHOTFLEET_TAKEOVER_S": "2",
    "SHOTFLEET_GRACE_S": "5", "SHOTFLEET_WORKER_PROCESSES": "2",
    "SHOTFLEET_INGEST_PROCESSES": "2", "SHOTFLEET_REQUIRE_DURABLE": "on",
    "SHOTFLEET_LOG_LEVEL": "warning", "SHOTFLEET_JOB_DEADLINE_S": "86400",
    "SHOTFLEET_CALLBACKS": "on",
    "SHOTFLEET_CALLBACK_SECRETS": "whsec_" + base64.b64encode(bytes(32)).decode(),
}


@contextlib.contextmanager
def private_world(seed, settings=None):
    """A PrivateWorld in a folder of its own, which is kept when `kept` says so,
    something broke, or somebody ended us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    processes.adopt_orphans()
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    world = PrivateWorld(folder, seed, settings)
    try:
        yield world
    finally:
        world.broken += world.tear_down()
        for text in world.broken:
            print(text)
    if world.broken or world.kept:
        print(f"logs are in {world.logs}")
    else:
        shutil.rmtree(folder)


class PrivateWorld(World):
    def __init__(self, folder, seed, settings=None):
        super().__init__()
        self.folder = folder
        self.logs = folder + "/stack"
        self.seed = seed
        self.settings = {**SETTINGS, **(settings or {})}
        self.keeping = True
        self.keeper = threading.Thread(target=self.keep, daemon=True)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.disks, self.clocks = self.make_disks(), self.make_clocks()
        servers = (RedisServer(folder + "/redis/server"),
                   PostgresServer(folder + "/postgresql/server"))
        for server, name in zip(servers, ("redis", "postgresql")):
            server.env = self.clock_of(name)
        self.stack = Stack(self.logs, *servers)
        self.stack.storage = folder + "/pictures/storage"
        self.stack.env["SHOTFLEET_STORAGE"] = f"file://{self.stack.storage}"
        self.redis = self.stack.redis
        self.dsn = servers[1].url(self.stack.database)
        self.redis_proxy = Proxy(lambda: asyncio.open_connection(
            "127.0.0.1", servers[0].port))
        self.postgres_proxy = Proxy(lambda: asyncio.open_unix_connection(
            f"{servers[1].path}/.s.PGSQL.5432"))

    def make_disks(self):
        """{name: Disk}; empty where nothing can be mounted."""
        names = ("pictures", "redis", "postgresql")
        if not disk.can_mount(self.folder):
            self.left_out.append("full disks: they need the right to mount (root)")
            for name in names:
                os.mkdir(os.path.join(self.folder, name), 0o711)
            return {}
        return {name: disk.Disk(os.path.join(self.folder, name)) for name in names}

    def make_clocks(self):
        """{name: Clock}; empty without a compiler."""
        library = clock.build(self.folder)
        if not library:
            self.left_out.append("clocks that jump: they need a C compiler")
            return {}
        return {name: clock.Clock(self.folder, name, library)
                for name in (*PROGRAMS, "redis", "postgresql")}

    def clock_of(self, name):
        return self.clocks[name].env if self.clocks else {}

    # life

    def set_up(self):
        stack = self.stack
        for server in (stack.redis_server, stack.postgres_server):
            server.start()
        for each in (self.redis_proxy, self.postgres_proxy):
            asyncio.run_coroutine_threadsafe(each.start(), self.loop).result(10)
        os.makedirs(self.logs)
        self.outside = Outside.start(self.seed, stack.webhook_secret, stack.key,
                                     os.path.join(self.logs, "outside.log"))
        stack.env.update(self.settings, SHOTFLEET_PROVIDER_URL=self.outside.url)
        stack.set_up()
        self.lead_through_proxies()
        for name in PROGRAMS:
            stack.start(name, wait=False, **self.clock_of(name))
        for name in PROGRAMS:
            stack.wait_ready(name)
        self.keeper.start()

    def lead_through_proxies(self):
        env, stack = self.stack.env, self.stack
        env["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_proxy.port}/0"
        env["DATABASE_URL"] = (f"postgresql://shotfleet@127.0.0.1:"
                               f"{self.postgres_proxy.port}/{stack.database}?sslmode=disable"
                               "&gssencmode=disable")

    def keep(self):
        """Starts again what has ended."""
        while self.keeping:
            for name in PROGRAMS:
                program = self.stack.programs[name]
                code = program.process.poll()
                if code is None:
                    continue
                if code not in (0, -9):
                    self.odd_ends.append(f"{name} ended with {code}")
                self.restarts += 1
                self.stack.retired.append(self.stack.programs.pop(name))
                self.stack.start(name, wait=False, **self.clock_of(name))
            time.sleep(KEEPER_S)

    def stop(self, names):
        self.stop_keeping()
        wrong = []
        for name in names:
            try:
                self.stack.stop(name)
            except AssertionError as error:
                wrong.append(str(error))
        return wrong

    def stop_keeping(self):
        self.keeping = False
        if self.keeper.ident:
            self.keeper.join()

    def tear_down(self):
        self.stop_keeping()
        wrong = self.stop(list(self.stack.programs))
        if self.outside:
            self.outside.stop()
        wrong += self.stack.tear_down()
        for server in (self.stack.redis_server, self.stack.postgres_server):
            server.stop()
        for each in self.disks.values():
            each.close()
        return wrong

    # doing

    def api(self, method, path, body=None, headers=None):
        return self.stack.api(method, path, body, headers)

    def cli(self, *args):
        return self.stack.cli(*args)

    def soon(self, function):
        self.loop.call_soon_threadsafe(function)

    def faults(self, rng, pause):
        return PrivateFaults(self, rng, pause).all()

    def revive(self):
        for server in (self.stack.redis_server, self.stack.postgres_server):
            if not server.process or server.process.poll() is not None:
                server.stop()
                server.start()

    def tidy(self):
        servers = (self.stack.redis_server, self.stack.postgres_server)
        own = [*self.stack.programs.values(), *self.stack.retired, *servers, self.outside]
        processes.reap_adopted([each.process.pid for each in own if each.process])

    def be_well(self):
        for each in self.disks.values():
            each.free()
        for each in self.clocks.values():
            each.off_by(0)
        self.revive()
        for proxy in (self.redis_proxy, self.postgres_proxy):
            proxy.slow = False
            self.soon(proxy.hear)
        self.outside.down(False)

    def pictures(self):
        found = {}
        for folder, _, names in os.walk(self.stack.storage):
            for name in names:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.stack.storage)] = os.path.getsize(path)
        return found
